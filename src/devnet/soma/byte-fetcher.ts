import { QuarryError } from '../../errors/index.js';
import type { BlobStore } from './blob-store.js';

/** The network's own time limit for a fetch through a proxy, milliseconds. */
const FETCH_TIMEOUT_MS = 30_000;

/**
 * Downloads bytes for audits and proxy routes. Blobs on the devnet's own host are read from memory, so that injected
 * download faults never make an honest submission look dishonest.
 */
export function byteFetcher(deps: {
  readonly blobs: BlobStore;
  readonly isOwn: (url: string) => boolean;
}): (url: string) => Promise<Uint8Array> {
  return async (url) => {
    if (deps.isOwn(url)) {
      const name = new URL(url).pathname.replace(/^\/blobs\//, '');
      const bytes = deps.blobs.get(name);
      if (bytes === undefined) throw new QuarryError('NOT_FOUND', 'the devnet host has no such blob');
      return bytes;
    }
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new QuarryError('REMOTE_FAILURE', `a data host answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}
