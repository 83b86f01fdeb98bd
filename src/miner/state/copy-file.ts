import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeDirectory } from '../../files/make-directory.js';

/**
 * Copies the first `bytes` bytes of a file, so that bytes appended in the meantime are not included. The copy is
 * readable only by its owner.
 *
 * @returns the number of bytes copied and their SHA-256
 */
export async function copyFileHashed(
  from: string,
  to: string,
  { bytes, signal }: { readonly bytes: number; readonly signal?: AbortSignal | undefined },
): Promise<{ bytes: number; sha256: string }> {
  makeDirectory(dirname(to), { mode: 0o700 });
  const hash = createHash('sha256');
  let copied = 0;
  const source = bytes === 0 ? Readable.from([]) : createReadStream(from, { end: bytes - 1 });
  const seen = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      copied += chunk.length;
      yield chunk;
    }
  };
  await pipeline(source, seen, createWriteStream(to, { mode: 0o600, flags: 'wx' }), { signal });
  return { bytes: copied, sha256: hash.digest('hex') };
}
