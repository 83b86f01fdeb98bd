import { open, stat } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { QuarryError } from '../errors/index.js';
import { loadAddon, type NativeAddon, type NativeStream } from '../native/addon.js';
import { coreFailure, runJob } from '../native/run-job.js';
import { assertWeightsKey } from '../native/weights-cipher.js';
import type { GrowingFile, PartialFileOptions } from './partial-file.js';
import { parseSafetensorsHeader, SAFETENSORS_PREFIX_BYTES, safetensorsHeaderBytes } from './safetensors-header.js';

type StreamOptions = PartialFileOptions & { readonly decryptionKey: Uint8Array };

/** Bytes buffered per native call: waking the threads costs as much as processing 0.1 MB. */
const PUSH_BYTES = 4 * 2 ** 20;
/** Packing can start early if the header is within the first bytes; that of a V1 model takes 50 KB. */
const HEAD_BYTES = 256 * 1024;
/** Downloads resume at a multiple of this; bytes beyond the last one are downloaded again. */
const DISK_BLOCK = 4096;

/**
 * A download processed by the native core off the event loop: hashed and decrypted in one pass, written bypassing the
 * page cache, and packed for the engine that will load it.
 */
export class StreamedFile implements GrowingFile {
  readonly #core: NativeAddon;
  readonly #options: PartialFileOptions & { readonly decryptionKey: Uint8Array };
  #stream: NativeStream;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #pushed = 0;
  #startAt: number;
  #running: Promise<void> = Promise.resolve();

  private constructor(core: NativeAddon, options: StreamOptions, stream: NativeStream, startAt: number) {
    this.#core = core;
    this.#options = options;
    this.#stream = stream;
    this.#startAt = startAt;
  }

  /**
   * Opens the file and reads its existing content.
   *
   * @returns `undefined` if the core is not built or the processor lacks AES instructions
   * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
   * @throws QuarryError `FILE_UNREADABLE` or `DISK_FULL` when the file cannot be written
   */
  static async open(options: StreamOptions): Promise<StreamedFile | undefined> {
    const { path, sizeBytes, decryptionKey, signal } = options;
    // Check the key before creating the file.
    assertWeightsKey(decryptionKey);
    const core = streamCore();
    if (core === undefined) return undefined;
    const present = (await stat(path).catch(() => undefined))?.size ?? 0;
    const startAt = present > sizeBytes ? 0 : Math.floor(present / DISK_BLOCK) * DISK_BLOCK;
    const stream = create(core, options, startAt);
    if (stream === undefined) return undefined;
    const file = new StreamedFile(core, options, stream, startAt);
    if (startAt === 0) return file;
    try {
      await file.#pack(await headOf(path, startAt));
      await runJob(core.weightsStreamRecover(stream), 'reading the partial file of an earlier download', signal);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get startAt(): number {
    return this.#startAt;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#pending.push(piece);
    this.#pendingBytes += piece.byteLength;
    const first = this.#pushed === 0 && this.#startAt === 0;
    if (this.#pendingBytes >= (first ? HEAD_BYTES : PUSH_BYTES)) await this.#push();
  }

  /** Passes buffered bytes to the core once the previous call is done. */
  async #push(): Promise<void> {
    await this.#running;
    const pieces = this.#pending;
    if (pieces.length === 0) return;
    const first = this.#pushed === 0;
    this.#pushed += this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#running = runJob(this.#core.weightsStreamPush(this.#stream, pieces), 'storing weights');
    // A failure is reported by the next await of `#running`.
    this.#running.catch(() => {});
    if (!first || this.#startAt > 0) return;
    await this.#running;
    await this.#pack(this.#core.weightsStreamHead(this.#stream));
  }

  /** Starts packing if `head` contains a valid header. An invalid one is reported once the file is complete. */
  async #pack(head: Uint8Array): Promise<void> {
    const { packing, identity, sizeBytes } = this.#options;
    if (packing === undefined || identity === undefined || head.byteLength < SAFETENSORS_PREFIX_BYTES) return;
    try {
      const headerBytes = safetensorsHeaderBytes(head, sizeBytes);
      const end = SAFETENSORS_PREFIX_BYTES + headerBytes;
      if (end > head.byteLength) return;
      const tensors = parseSafetensorsHeader(head.subarray(SAFETENSORS_PREFIX_BYTES, end), sizeBytes);
      this.#core.weightsStreamPack(this.#stream, await packing.prepare(tensors, identity), sizeBytes);
    } catch (error) {
      const failure = error instanceof QuarryError ? error : coreFailure(error, 'packing weights');
      if (failure.code !== 'WEIGHTS_INVALID') throw failure;
    }
  }

  async checksum(): Promise<string> {
    await this.#push();
    await this.#running;
    return bytesToHex(await runJob(this.#core.weightsStreamFinish(this.#stream), 'storing weights'));
  }

  async restart(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.close();
    this.#pushed = 0;
    this.#startAt = 0;
    this.#running = Promise.resolve();
    const stream = create(this.#core, this.#options, 0);
    if (stream === undefined) throw new QuarryError('ENGINE_FAILED', 'the native core cannot decrypt any more');
    this.#stream = stream;
  }

  async sync(): Promise<void> {
    await runJob(this.#core.weightsStreamPublish(this.#stream), 'storing weights');
  }

  async close(): Promise<void> {
    // Write buffered bytes too, so that they are kept; ignored after a failure.
    await this.#push().catch(() => {});
    await this.#running.catch(() => {});
    this.#core.weightsStreamClose(this.#stream);
  }
}

function streamCore(): NativeAddon | undefined {
  try {
    return loadAddon();
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return undefined;
    throw error;
  }
}

function create(core: NativeAddon, { path, sizeBytes, decryptionKey }: StreamOptions, start: number) {
  const isa = core.capabilities().best;
  try {
    return core.weightsStreamCreate(isa, path, decryptionKey, start, sizeBytes);
  } catch (error) {
    throw coreFailure(error, `writing ${path}`);
  }
}

async function headOf(path: string, size: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(Math.min(size, HEAD_BYTES)), { position: 0 });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
