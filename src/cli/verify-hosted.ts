import { stat } from 'node:fs/promises';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { createBlake2b256 } from '../weights/blake2b.js';
import { download } from '../weights/download.js';
import type { SomaSession } from './soma-session.js';

/**
 * Fetches a file back from where the user says it is hosted, and compares.
 *
 * @param path the file that should be there
 * @throws QuarryError `FAILED_PRECONDITION` when it cannot be fetched or is another one
 */
export async function verifyHostedFile(
  { client, signal }: SomaSession,
  url: string,
  checksum: string,
  path: string,
): Promise<void> {
  const hash = createBlake2b256();
  const manifest = { url, checksum, sizeBytes: (await stat(path)).size };
  try {
    await download(manifest, client.context.manifestHttp, (piece) => void hash.update(piece), {
      signal,
      maxInterruptions: 1,
    });
  } catch (error) {
    const cause = toQuarryError(error, 'fetching the hosted file back');
    if (cause.code === 'ABORTED') throw cause;
    throw new QuarryError('FAILED_PRECONDITION', `${path} cannot be fetched from the URL given: ${cause.message}`, {
      hint: 'upload it there, then run this again',
      facts: { path },
      cause,
    });
  }
  if (Buffer.from(hash.digest()).toString('hex') === checksum) return;
  throw new QuarryError('FAILED_PRECONDITION', 'what is at the URL given is another file', {
    hint: `upload ${path} there, then run this again`,
    facts: { path, checksum },
  });
}
