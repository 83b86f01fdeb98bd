import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { QuarryError, toQuarryError } from '../errors/index.js';

/** Decompresses gzip as it is read. @throws QuarryError `DATA_INVALID` when it is not gzip */
export async function* gunzip(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces);
  const stream = source.pipe(createGunzip());
  source.on('error', (error) => stream.destroy(error));
  try {
    yield* stream;
  } catch (error) {
    if (error instanceof QuarryError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw toQuarryError(error, `reading ${name}`);
    throw new QuarryError('DATA_INVALID', `${name} is not valid gzip`, { cause: error });
  } finally {
    source.destroy();
  }
}

/** Decompresses Zstandard as it is read. @throws QuarryError `DATA_INVALID` when it is not Zstandard */
export async function* unzstd(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const stream = new Decompress((bytes) => ready.push(bytes));
  const push = (piece: Uint8Array, final: boolean): void => {
    try {
      stream.push(piece, final);
    } catch (cause) {
      throw new QuarryError('DATA_INVALID', `${name} is not valid Zstandard`, { cause });
    }
  };
  for await (const piece of pieces) {
    push(piece, false);
    yield* ready.splice(0);
  }
  push(new Uint8Array(0), true);
  yield* ready.splice(0);
}
