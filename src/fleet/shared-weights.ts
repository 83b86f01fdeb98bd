import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type ObjectInfo, type ObjectStore, Objm, setSha256Backend } from '@nats-io/obj';
import { bytesToHex } from '@noble/hashes/utils.js';
import PQueue from 'p-queue';
import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { createHashingCipher } from '../native/hashing-cipher.js';
import { type WeightsManifest, weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';

/** Weights are stored in parts, so that no process holds more than one in memory. */
const PART_BYTES = 8 * 2 ** 20;
/** Read and encrypted in one step, which takes about a millisecond. */
const PIECE_BYTES = 2 ** 20;
/** Reading fails after this long without data, milliseconds. */
const STALL_MS = 15_000;
/** Weights of earlier coordinators that this one does not use are removed at this age, milliseconds. */
const KEEP_MS = 7 * 24 * 3_600_000;

setSha256Backend('native');

/**
 * Uploads weights to the object store of the fleet's server: encrypted as their owners published them, named by
 * checksum. Readers verify the checksum and trust nothing else.
 */
export class SharedWeights {
  readonly #fleet: FleetConnection;
  readonly #onWarning: (error: QuarryError) => void;
  /** Models in use and the paths of their plaintext, by weights identity. */
  readonly #wanted = new Map<string, { readonly manifest: WeightsManifest; readonly path: string }>();
  /** Checksums of weights no longer in use. */
  readonly #unwanted = new Set<string>();
  readonly #putting = new PQueue({ concurrency: 1 });
  readonly #end = new AbortController();

  /** @param onWarning called when weights cannot be shared; scorers then download them from their host */
  constructor(fleet: FleetConnection, onWarning: (error: QuarryError) => void) {
    this.#fleet = fleet;
    this.#onWarning = onWarning;
  }

  /**
   * Uploads weights unless they are already there or are forgotten before their turn, and removes unused ones. Resolves
   * once they are uploaded or the upload has failed.
   *
   * @param path plaintext of the weights
   */
  async put(manifest: WeightsManifest, path: string): Promise<void> {
    this.#wanted.set(weightsIdentity(manifest), { manifest, path });
    this.#unwanted.delete(manifest.checksum);
    const { signal } = this.#end;
    try {
      await this.#putting.add(() => this.#put(manifest, path, signal));
    } catch (error) {
      if (signal.aborted) return;
      this.#onWarning(
        new QuarryError(
          'UNREACHABLE',
          `scorers must fetch a model from its host: ${toQuarryError(error, 'sharing').message}`,
          {
            hint: 'give the NATS server room for the weights of all models, or omit --share-weights',
            cause: error,
          },
        ),
      );
    }
  }

  /** Uploads everything again, after the server lost its disk. */
  restore(): void {
    for (const { manifest, path } of this.#wanted.values()) void this.put(manifest, path);
  }

  /** Marks weights as unused. They are removed only at the next upload, as the next run may use them. */
  forget(manifest: WeightsManifest): void {
    this.#wanted.delete(weightsIdentity(manifest));
    if (!this.#wantedChecksums().has(manifest.checksum)) this.#unwanted.add(manifest.checksum);
  }

  /** Aborts uploads. */
  close(): void {
    this.#end.abort();
  }

  #wantedChecksums(): Set<string> {
    return new Set([...this.#wanted.values()].map(({ manifest }) => manifest.checksum));
  }

  async #put(manifest: WeightsManifest, path: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal, 'sharing weights');
    if (!this.#wanted.has(weightsIdentity(manifest))) return;
    const { nc, replicas, weightsBucket } = this.#fleet;
    const store = await new Objm(nc).create(weightsBucket, { replicas });
    const sizes = new Map((await this.#makeRoom(store)).map(({ name, size }) => [name, size]));
    if (partsOf(manifest).every(({ name, size }) => sizes.get(name) === size)) return;
    await putParts(store, this.#fleet, manifest, path, signal);
  }

  /**
   * Removes unused weights.
   *
   * @returns the parts that remain
   */
  async #makeRoom(store: ObjectStore): Promise<ObjectInfo[]> {
    const { jsm, weightsBucket: bucket } = this.#fleet;
    const stream = `OBJ_${bucket}`;
    const wanted = this.#wantedChecksums();
    const before = Date.now() - KEEP_MS;
    const stay: ObjectInfo[] = [];
    const gone = new Set<string>();
    for (const info of await store.list()) {
      const checksum = info.name.split('.')[0] ?? '';
      if (wanted.has(checksum) || !(this.#unwanted.has(checksum) || Date.parse(info.mtime) < before)) {
        stay.push(info);
        continue;
      }
      await removePart(store, this.#fleet, info.name);
      gone.add(checksum);
    }
    for (const checksum of gone) this.#unwanted.delete(checksum);
    // A killed coordinator leaves chunks of an unfinished part.
    const named = new Set(stay.map(({ nuid }) => `$O.${bucket}.C.${nuid}`));
    const { state } = await jsm.streams.info(stream, { subjects_filter: `$O.${bucket}.C.>` });
    for (const filter of Object.keys(state.subjects ?? {}))
      if (!named.has(filter)) await jsm.streams.purge(stream, { filter });
    return stay;
  }
}

/**
 * Streams shared weights, encrypted and unverified, and never more bytes than the manifest declares.
 *
 * @throws QuarryError `NOT_FOUND` when they are not shared, `SIZE_MISMATCH` when a part is too long, `TIMEOUT` when the
 *   server stalls, `ABORTED` when the signal fires; also whatever NATS throws
 */
export async function* readSharedWeights(
  fleet: FleetConnection,
  manifest: WeightsManifest,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const store = await new Objm(fleet.nc).open(fleet.weightsBucket);
  for (const part of partsOf(manifest)) {
    const result = await store.get(part.name);
    // The reader reports the same error.
    result?.error.catch(() => {});
    const reader = result?.data.getReader();
    if (result === null || reader === undefined || result.info.size !== part.size) {
      await reader?.cancel();
      throw new QuarryError('NOT_FOUND', 'the coordinator does not share these weights');
    }
    try {
      let left = part.size;
      for (;;) {
        const { done, value } = await beforeStall(reader.read(), signal);
        if (done) break;
        left -= value.byteLength;
        if (left < 0) throw new QuarryError('SIZE_MISMATCH', 'a part of shared weights is longer than declared');
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
}

interface Part {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}

function partsOf({ checksum, sizeBytes }: WeightsManifest): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < sizeBytes; at += PART_BYTES) {
    parts.push({ name: `${checksum}.${parts.length}`, at, size: Math.min(PART_BYTES, sizeBytes - at) });
  }
  return parts;
}

/** Re-encrypts the plaintext while uploading, so that readers can verify the bytes against the checksum on chain. */
async function putParts(
  store: ObjectStore,
  fleet: FleetConnection,
  manifest: WeightsManifest,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const cipher = createHashingCipher(manifest.decryptionKey);
  const file = await open(path, 'r');
  try {
    for (const { name, at, size } of partsOf(manifest)) {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for (let offset = 0; offset < size; offset += PIECE_BYTES) {
          throwIfAborted(signal, 'sharing weights');
          const length = Math.min(PIECE_BYTES, size - offset);
          const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, at + offset);
          if (bytesRead !== length) throw new QuarryError('SIZE_MISMATCH', `${path} is shorter than the weights`);
          yield cipher.encrypt(buffer);
          await setImmediate();
        }
      };
      await store.put({ name }, Readable.toWeb(Readable.from(pieces())) as ReadableStream<Uint8Array>);
    }
  } finally {
    await file.close();
  }
  if (bytesToHex(cipher.digest()) === manifest.checksum) return;
  for (const { name } of partsOf(manifest)) await removePart(store, fleet, name);
  throw new QuarryError('CHECKSUM_MISMATCH', `${path} does not hold the weights to be shared`);
}

async function removePart(
  store: ObjectStore,
  { jsm, weightsBucket: bucket }: Pick<FleetConnection, 'jsm' | 'weightsBucket'>,
  name: string,
): Promise<void> {
  await store.delete(name);
  // `delete` leaves a metadata entry marked as deleted; remove that too.
  const encoded = Buffer.from(name).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  await jsm.streams.purge(`OBJ_${bucket}`, { filter: `$O.${bucket}.M.${encoded}` });
}

async function beforeStall<T>(reading: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal, 'reading shared weights');
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QuarryError('TIMEOUT', 'shared weights do not arrive')), STALL_MS);
    onAbort = () => reject(new QuarryError('ABORTED', 'reading shared weights was interrupted'));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([reading, stalled]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
