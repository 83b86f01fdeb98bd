import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import {
  checksumMismatch,
  type DownloadSource,
  download,
  downloadTimeoutMs,
  MIN_DOWNLOAD_THROUGHPUT,
  type MinThroughput,
  openStream,
  redactUrl,
  sizeMismatch,
} from '../../../net/index.js';
import type { Manifest } from '../../chain/index.js';

/**
 * Streams the bytes of a manifest from one source, checking size and checksum. The bytes can be trusted only once the
 * stream has ended without an error.
 *
 * @throws QuarryError `SIZE_MISMATCH` when there are more or fewer bytes than in the manifest
 * @throws QuarryError `CHECKSUM_MISMATCH` when BLAKE2b-256 differs
 * @throws QuarryError `TIMEOUT` when the source stalls, or is slower than `minThroughput`
 */
export async function* streamVerified(
  source: DownloadSource,
  manifest: Manifest,
  signal?: AbortSignal,
  minThroughput: MinThroughput = MIN_DOWNLOAD_THROUGHPUT,
): AsyncGenerator<Uint8Array, void, void> {
  const expected = Number(manifest.size);
  // A proxy downloads everything before it responds.
  const timeoutMs = downloadTimeoutMs(expected);
  const { body } = await openStream(source, { timeoutMs, minThroughput, signal });
  const hash = blake2b.create({ dkLen: 32 });
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      if (received > expected) throw sizeMismatch(source.url, received, expected);
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw toQuarryError(error, `downloading ${redactUrl(source.url)}`);
  }
  if (received < expected) throw sizeMismatch(source.url, received, expected);
  assertChecksum(redactUrl(source.url), manifest, hash.digest());
}

/**
 * Downloads the bytes of a manifest from the first source that delivers them intact.
 *
 * @throws QuarryError `DATA_TOO_LARGE` when the manifest declares more than `maxBytes`
 * @throws QuarryError the error of the sources when none delivers
 */
export async function downloadVerified(
  sources: readonly DownloadSource[],
  manifest: Manifest,
  options: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  if (manifest.size > BigInt(options.maxBytes)) {
    throw new QuarryError('DATA_TOO_LARGE', `the manifest announces ${manifest.size} bytes`, {
      hint: `raise maxBytes above ${options.maxBytes}, or stream the bytes`,
      details: { sizeBytes: manifest.size, maxBytes: options.maxBytes },
    });
  }
  const chunks: Uint8Array[] = [];
  const hash = (): Uint8Array =>
    chunks.reduce((sum, chunk) => sum.update(chunk), blake2b.create({ dkLen: 32 })).digest();
  const sink = {
    write: (chunk: Uint8Array): void => void chunks.push(chunk),
    restart: (): void => void chunks.splice(0),
  };
  const sizeBytes = Number(manifest.size);
  const timeoutMs = downloadTimeoutMs(sizeBytes);
  await download(sources, sink, {
    sizeBytes,
    timeoutMs,
    // The total of what each source can take at the minimum rate.
    totalMs: sources.length * (timeoutMs + (sizeBytes / MIN_DOWNLOAD_THROUGHPUT.bytesPerSecond) * 1000),
    signal: options.signal,
    verify: async (where) => assertChecksum(where, manifest, hash()),
  });
  return new Uint8Array(Buffer.concat(chunks));
}

function assertChecksum(where: string, manifest: Manifest, got: Uint8Array): void {
  if (Buffer.from(got).equals(manifest.checksum)) return;
  throw checksumMismatch(where, bytesToHex(manifest.checksum), bytesToHex(got));
}
