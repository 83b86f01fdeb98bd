import { blake2b } from '@noble/hashes/blake2.js';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import {
  atLeast,
  DOWNLOAD_STALL_MS,
  type DownloadSource,
  LEAST_DOWNLOAD_RATE,
  type MinThroughput,
  redactUrl,
} from '../../../http/index.js';
import type { Manifest } from '../../chain/index.js';

/** How long a source may take to answer at all: SOMA protocol, 30 s and 50 ns per byte, at most 10 min. */
export function downloadTimeoutMs(sizeBytes: bigint): number {
  return Math.min(30_000 + Number(sizeBytes) * 5e-5, 600_000);
}

/**
 * Streams the bytes of a manifest from one source, checking size and checksum on the way. What was yielded is to be
 * trusted only once the stream has ended without an error.
 *
 * @throws QuarryError `SIZE_MISMATCH` when there are more or fewer bytes than the manifest says
 * @throws QuarryError `CHECKSUM_MISMATCH` when BLAKE2b-256 differs
 * @throws QuarryError `TIMEOUT` when the source stalls, or is slower than `leastRate`
 */
export async function* streamVerified(
  source: DownloadSource,
  manifest: Manifest,
  signal?: AbortSignal,
  leastRate: MinThroughput = LEAST_DOWNLOAD_RATE,
): AsyncGenerator<Uint8Array, void, void> {
  const where = redactUrl(source.url);
  const wrongSize = (what: string): QuarryError =>
    new QuarryError('SIZE_MISMATCH', `${where} sent ${what} than the manifest's ${manifest.size} bytes`, {
      details: { url: where, sizeBytes: manifest.size },
    });
  const answer = await source.http.request({
    url: source.url,
    // A proxy fetches all of it before it answers; once it does, there is no reason for silence.
    timeoutMs: downloadTimeoutMs(manifest.size),
    stallMs: DOWNLOAD_STALL_MS,
    retry: { attempts: 1 },
    ...(signal !== undefined && { signal }),
  });
  const hash = blake2b.create({ dkLen: 32 });
  let received = 0n;
  try {
    for await (const chunk of atLeast(answer.body, leastRate, where)) {
      received += BigInt(chunk.length);
      if (received > manifest.size) throw wrongSize('more');
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw toQuarryError(error, `downloading ${where}`);
  } finally {
    await answer.discard();
  }
  if (received < manifest.size) throw wrongSize('fewer');
  if (!Buffer.from(hash.digest()).equals(manifest.checksum)) {
    throw new QuarryError('CHECKSUM_MISMATCH', `${where} sent other bytes than the manifest describes`, {
      hint: 'whoever hosts them changed them; nothing was kept',
      details: { url: where },
    });
  }
}

/**
 * The bytes of a manifest from the first source that delivers them intact.
 *
 * @throws QuarryError `DATA_TOO_LARGE` when the manifest announces more than `maxBytes`
 * @throws QuarryError the last source's error when none delivers
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
  const failures: QuarryError[] = [];
  for (const source of sources) {
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of streamVerified(source, manifest, options.signal)) chunks.push(chunk);
      return new Uint8Array(Buffer.concat(chunks));
    } catch (error) {
      const failure = toQuarryError(error, 'downloading');
      if (failure.code === 'ABORTED') throw failure;
      failures.push(failure);
    }
  }
  const last = failures.at(-1) ?? new QuarryError('INVALID_ARGUMENT', 'there is no source to download from');
  if (failures.length < 2) throw last;
  const all = failures.map((failure) => failure.message).join('; then ');
  throw new QuarryError(last.code, `no source delivered the bytes: ${all}`, { details: last.details, cause: last });
}
