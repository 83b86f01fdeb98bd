import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { SourceDocument } from './contract.js';
import { plainDocument } from './plain.js';

/**
 * The regular files of a tar archive, in order, streamed: the next is reached when the one before has been read.
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
      const pieces = plainDocument(origin, entry as AsyncIterable<Uint8Array>);
      yield { origin, pieces, independent: true };
      // What the reader left unread is skipped.
      entry.resume();
    }
  } catch (error) {
    if (error instanceof QuarryError) throw error;
    const failure = toQuarryError(error, `reading ${name}`);
    throw failure.code === 'INTERNAL'
      ? new QuarryError('DATA_INVALID', `${name} is not a valid tar archive`, { cause: error })
      : failure;
  } finally {
    source.destroy();
  }
}
