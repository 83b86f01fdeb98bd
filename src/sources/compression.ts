import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { ZstdFrames } from './zstd-frames.js';

/**
 * Decompresses gzip as a stream.
 *
 * @throws QuarryError `DATA_INVALID` when it is not gzip
 */
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

/** Yields to other work after this long, milliseconds. */
const TURN_MS = 10;

/**
 * Decompresses Zstandard as a stream.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Zstandard, or needs excessive memory or time for its content
 */
export async function* unzstd(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const frames = new ZstdFrames(name);
  let produced = 0;
  const stream = new Decompress((bytes) => {
    produced += bytes.length;
    ready.push(bytes);
  });
  const push = (piece: Uint8Array, final: boolean): void => {
    try {
      stream.push(piece, final);
    } catch (cause) {
      throw new QuarryError('DATA_INVALID', `${name} is not valid Zstandard`, { cause });
    }
  };
  let since = performance.now();
  for await (const piece of pieces) {
    for (const block of frames.blocks(piece, () => produced)) {
      push(block, false);
      yield* ready.splice(0);
      if (performance.now() - since < TURN_MS) continue;
      await nextTurn();
      since = performance.now();
    }
  }
  push(new Uint8Array(0), true);
  yield* ready.splice(0);
}
