import { stat } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { createBlake2b256 } from '../native/blake2b.js';
import { type ByteSink, downloadManifest } from '../weights/download.js';
import type { SomaSession } from './soma-session.js';

/**
 * Downloads a hosted file from the user's URL and compares it.
 *
 * @param path the local file
 * @throws QuarryError `FAILED_PRECONDITION` when it cannot be fetched or differs
 */
export async function verifyHostedFile(
  { client, signal }: SomaSession,
  url: string,
  checksum: string,
  path: string,
): Promise<void> {
  let hash = createBlake2b256();
  const manifest = { url, checksum, sizeBytes: (await stat(path)).size };
  const sink: ByteSink = {
    write: (piece) => hash.update(piece),
    checksum: () => bytesToHex(hash.digest()),
    restart() {
      hash = createBlake2b256();
    },
  };
  try {
    await downloadManifest(manifest, client.context.manifestHttp, sink, { signal, maxInterruptions: 1 });
  } catch (error) {
    const cause = toQuarryError(error, 'fetching the hosted file back');
    if (cause.code === 'ABORTED') throw cause;
    if (cause.code === 'CHECKSUM_MISMATCH') {
      throw new QuarryError('FAILED_PRECONDITION', 'the given URL serves a different file', {
        hint: `upload ${path} there, then run this again`,
        details: { path, checksum },
        cause,
      });
    }
    throw new QuarryError('FAILED_PRECONDITION', `${path} cannot be fetched from the given URL: ${cause.message}`, {
      hint: 'upload it there, then run this again',
      details: { path },
      cause,
    });
  }
}
