import { isAbort, QuarryError, toQuarryError } from '../errors/index.js';
import { blake2b256 } from '../native/blake2b.js';
import type { HttpClient } from '../net/index.js';
import type { DataHost } from './contract.js';

/**
 * Wraps a host so that the first publication is downloaded again and compared: with a wrong public URL or a private
 * bucket, every submission would lose its bond.
 *
 * @throws QuarryError `FAILED_PRECONDITION` from `publish` when the download differs from what was published
 */
export function verifiedHost(host: DataHost, http: HttpClient): DataHost {
  let verified: Promise<void> | undefined;
  const verify = async (url: string, checksum: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> => {
    const fetched = await http
      .bytes({ url, maxBytes: bytes.byteLength + 1, signal })
      .catch((error: unknown) => toQuarryError(error, 'fetching published data back'));
    if (isAbort(fetched)) throw fetched;
    if (fetched instanceof QuarryError || Buffer.from(blake2b256(fetched)).toString('hex') !== checksum) {
      throw new QuarryError('FAILED_PRECONDITION', `data published with the ${host.name} host cannot be fetched back`, {
        hint: 'check the public URL of the host (--host-url, --s3-public-url) and that reading needs no credentials',
        details: { url },
        ...(fetched instanceof QuarryError && { cause: fetched }),
      });
    }
  };
  return {
    name: host.name,
    async publish(checksum, bytes, signal) {
      const url = await host.publish(checksum, bytes, signal);
      verified ??= verify(url, checksum, bytes, signal);
      await verified.catch((error: unknown) => {
        verified = undefined;
        throw error;
      });
      return url;
    },
    publishFile: (checksum, path, signal) => host.publishFile(checksum, path, signal),
    remove: (checksum, signal) => host.remove(checksum, signal),
    close: () => host.close(),
  };
}
