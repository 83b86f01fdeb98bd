import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted, toQuarryError } from '../errors/index.js';
import { makeDirectory } from '../files/make-directory.js';
import { atLeast, type HttpClient, lockFileWhenFree, MIN_DOWNLOAD_THROUGHPUT } from '../net/index.js';
import { downloadManifest, type ManifestDownloadOptions } from './download.js';
import { type WeightsManifest, weightsIdentity } from './manifest.js';
import { openPartialFile } from './open-partial-file.js';
import type { GrowingFile } from './partial-file.js';
import { pruneCacheDirectory } from './prune.js';
import { openSafetensors } from './safetensors.js';
import type { WeightsFile } from './weights-file.js';
import type { WeightsPacking } from './weights-packing.js';

/** Options of a {@link WeightsCache}. */
export interface WeightsCacheOptions {
  /**
   * Directory of `<identity>.safetensors` (plaintext) and `partial/` (interrupted downloads); see `weightsIdentity`.
   */
  readonly dir: string;
  /** Whether another process manages the directory, so that {@link WeightsCache.prune} is a no-op. Default false. */
  readonly borrowed?: boolean | undefined;
}

/** Dependencies of a {@link WeightsCache}. */
export interface WeightsCacheDeps {
  readonly http: HttpClient;
}

/** Options of {@link WeightsCache.open}. */
export interface FetchWeightsOptions extends Omit<ManifestDownloadOptions, 'startAt'> {
  /** Packs weights for an engine while they are downloaded. Cached weights are left for the engine to pack. */
  readonly packing?: WeightsPacking | undefined;
  /** Stream of the encrypted bytes from a nearby source; tried before the manifest's URL and verified all the same. */
  readonly nearby?: AsyncIterable<Uint8Array> | undefined;
}

/** Smallest interrupted download that is kept for a later run, bytes. */
const KEEP_PARTIAL_BYTES = 64 * 2 ** 20;

/**
 * Cache of decrypted weight files, keyed by weights identity. A download is verified, decrypted and written in one
 * pass, and renamed to its final name only once complete and verified.
 */
export class WeightsCache {
  readonly #dir: string;
  readonly #borrowed: boolean;
  readonly #http: HttpClient;
  /** Pending downloads by path, shared by concurrent callers. */
  readonly #inFlight = new Map<string, Promise<void>>();

  constructor(options: WeightsCacheOptions, deps: WeightsCacheDeps) {
    this.#dir = options.dir;
    this.#borrowed = options.borrowed ?? false;
    this.#http = deps.http;
  }

  /** Path of the plaintext once downloaded. */
  pathOf(manifest: WeightsManifest): string {
    return join(this.#dir, `${weightsIdentity(manifest)}.safetensors`);
  }

  /** Deletes all other weights, including interrupted downloads. No-op if the directory is borrowed. */
  async prune(wanted: readonly WeightsManifest[]): Promise<void> {
    if (this.#borrowed) return;
    await pruneCacheDirectory(this.#dir, wanted.map(weightsIdentity));
    await pruneCacheDirectory(join(this.#dir, 'partial'), wanted.map(weightsIdentity));
  }

  /** Whether the weights are cached completely. */
  async has(manifest: WeightsManifest): Promise<boolean> {
    const info = await stat(this.pathOf(manifest)).catch(() => undefined);
    return info?.size === manifest.sizeBytes;
  }

  /**
   * Opens a model's weights, downloading them first if they are not cached.
   *
   * @throws QuarryError `CHECKSUM_MISMATCH` when the downloaded bytes have another checksum
   * @throws QuarryError `SIZE_MISMATCH` when they are shorter or longer than declared
   * @throws QuarryError `WEIGHTS_INVALID` when the plaintext is not a valid container (wrong key, malformed file)
   * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes
   */
  async open(manifest: WeightsManifest, options: FetchWeightsOptions = {}): Promise<WeightsFile> {
    const path = this.pathOf(manifest);
    if (!(await this.has(manifest))) {
      let pending = this.#inFlight.get(path);
      if (pending === undefined) {
        pending = this.#fetch(manifest, path, options).finally(() => this.#inFlight.delete(path));
        this.#inFlight.set(path, pending);
      }
      await pending;
    }
    return openSafetensors(path, { checksum: weightsIdentity(manifest) });
  }

  async #fetch(manifest: WeightsManifest, path: string, options: FetchWeightsOptions): Promise<void> {
    const partialDir = join(this.#dir, 'partial');
    const partial = join(partialDir, `${weightsIdentity(manifest)}.part`);
    let keep = false;
    makeDirectory(partialDir, { mode: 0o700 });
    // Another process may be downloading the same file into this cache; wait for it and use its result.
    const lock = await lockFileWhenFree(`${partial}.lock`, options.signal);
    try {
      if (await this.has(manifest)) return;
      await this.#stream(manifest, partial, options).catch(async (error: unknown) => {
        const failure = toQuarryError(error, 'downloading weights');
        const size = (await stat(partial).catch(() => undefined))?.size ?? 0;
        keep = size >= KEEP_PARTIAL_BYTES && (failure.code === 'ABORTED' || failure.retryable);
        if (failure.code === 'CHECKSUM_MISMATCH') keep = false;
        throw failure;
      });
      await (await openSafetensors(partial, { checksum: manifest.checksum })).close();
      await rename(partial, path);
    } catch (error) {
      if (!keep) await rm(partial, { force: true });
      throw toQuarryError(error, 'storing weights');
    } finally {
      await lock.release();
    }
  }

  /** Downloads into `partial`, resuming an interrupted download, and verifies it. */
  async #stream(manifest: WeightsManifest, partial: string, options: FetchWeightsOptions): Promise<void> {
    const { sizeBytes, decryptionKey } = manifest;
    const { packing, nearby, signal } = options;
    const file = await openPartialFile({
      path: partial,
      sizeBytes,
      decryptionKey,
      identity: weightsIdentity(manifest),
      packing,
      signal,
    });
    try {
      const held = nearby === undefined ? file.startAt : await takeNearby(manifest, nearby, file, options);
      if (held !== 'whole') await downloadManifest(manifest, this.#http, file, { ...options, startAt: held });
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/**
 * Reads from the nearby source into a file that may already hold part of the download.
 *
 * @returns the bytes the file now holds, from which the download continues; `whole` if the file is complete and
 *   verified
 */
async function takeNearby(
  manifest: WeightsManifest,
  nearby: AsyncIterable<Uint8Array>,
  file: GrowingFile,
  { minThroughput = MIN_DOWNLOAD_THROUGHPUT, signal }: FetchWeightsOptions,
): Promise<number | 'whole'> {
  const { sizeBytes, checksum } = manifest;
  let held = file.startAt;
  if (held === sizeBytes) return held;
  let at = 0;
  let isWriting = false;
  try {
    for await (const piece of atLeast(nearby, minThroughput, 'what is nearby')) {
      throwIfAborted(signal, 'the download');
      // Skip bytes the file already has.
      const rest = piece.subarray(Math.max(0, held - at));
      at += piece.byteLength;
      if (at > sizeBytes) break;
      if (rest.byteLength === 0) continue;
      isWriting = true;
      await file.write(rest);
      isWriting = false;
      held += rest.byteLength;
    }
    if (at < sizeBytes) return held;
    if (at === sizeBytes && (await file.checksum()) === checksum) return 'whole';
  } catch (error) {
    const { code } = toQuarryError(error, 'storing weights');
    if (code === 'ABORTED' || code === 'DISK_FULL') throw error;
    if (!isWriting && held < sizeBytes) return held;
  }
  await file.restart();
  return 0;
}
