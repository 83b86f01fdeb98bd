import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { SourceDocument } from './contract.js';
import { plainDocument } from './plain.js';

/**
 * Streams the regular files of a tar archive in order; the next one follows once the previous has been read.
 *
 * @throws QuarryError `DATA_INVALID` when it is not a tar archive
 */
export async function* readTar(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SourceDocument> {
  const source = Readable.from(pieces);
  const archive = source.pipe(extract());
  source.on('error', (error) => archive.destroy(error));
  try {
    for await (const entry of archive) {
      if (entry.header.type !== 'file') {
        entry.resume();
        continue;
      }
      const origin = `${name}!${entry.header.name}`;
      const pieces = plainDocument(origin, memberPieces(entry as AsyncIterable<Uint8Array>, name));
      yield { origin, pieces, independent: true };
      // Skip what was not read.
      entry.resume();
    }
  } catch (error) {
    throw failureOf(error, name);
  } finally {
    source.destroy();
  }
}

/** A member's bytes. If the archive is truncated within them, this fails. */
async function* memberPieces(entry: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* entry;
  } catch (error) {
    throw failureOf(error, name);
  }
}

function failureOf(error: unknown, name: string): QuarryError {
  const failure = toQuarryError(error, `reading ${name}`);
  if (failure.code !== 'INTERNAL') return failure;
  return new QuarryError('DATA_INVALID', `${name} is not a valid tar archive`, { cause: error });
}
