import { QuarryError } from '../errors/index.js';

/** Maximum window of a frame, bytes: as much as zstd accepts without --long. */
const MOST_WINDOW = 128 * 2 ** 20;
/**
 * The decompressor moves the window for every block. Limits on the bytes moved: a fixed amount plus this much per byte
 * of output.
 */
const MOVES_ALLOWED = 32 * 2 ** 30;
const MOVES_PER_BYTE = 2 ** 17;

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

/**
 * Parses the frames and blocks of a Zstandard stream (RFC 8878) before decompression, because a few bytes can demand
 * gigabytes of memory or hours of time.
 */
export class ZstdFrames {
  readonly #name: string;
  #state: 'frame' | 'block' | 'content' = 'frame';
  /** Bytes of an incomplete header. */
  #head: number[] = [];
  /** Content bytes to skip, and whether a frame begins after them. */
  #left = 0;
  #endsFrame = false;
  #window = 0;
  #checksumBytes = 0;
  #moved = 0;

  /** @param name file name, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Splits a piece where blocks end.
   *
   * @param produced bytes of output from the previous pieces
   * @throws QuarryError `DATA_INVALID` when a frame demands too much
   */
  *blocks(piece: Uint8Array, produced: () => number): Generator<Uint8Array> {
    let from = 0;
    for (let at = 0; at < piece.length; ) {
      if (this.#state !== 'content') {
        this.#head.push(piece[at++] ?? 0);
        if (this.#state === 'frame') this.#readFrame();
        else this.#readBlock();
        continue;
      }
      const passed = Math.min(this.#left, piece.length - at);
      at += passed;
      this.#left -= passed;
      if (this.#left > 0) continue;
      this.#state = this.#endsFrame ? 'frame' : 'block';
      yield piece.subarray(from, at);
      from = at;
      if (this.#moved > MOVES_ALLOWED + MOVES_PER_BYTE * produced())
        throw this.#tooMuch('is cut into blocks too small for its window');
    }
    if (from < piece.length) yield piece.subarray(from);
  }

  #readFrame(): void {
    if (this.#head.length < 5) return;
    const head = Buffer.from(this.#head);
    const magic = head.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      if (head.length === 8) this.#expect(head.readUInt32LE(4), true);
      return;
    }
    if (magic !== MAGIC) throw new QuarryError('DATA_INVALID', `${this.#name} is not valid Zstandard`);
    const descriptor = head[4] ?? 0;
    const isSingle = (descriptor & 32) !== 0;
    const sizeBytes = descriptor >> 6 === 0 ? Number(isSingle) : 1 << (descriptor >> 6);
    const before = 5 + Number(!isSingle) + (DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3] ?? 0);
    if (head.length < before + sizeBytes) return;
    // The window of a single segment is its content.
    this.#window = isSingle ? sizeAt(head, before, sizeBytes) : windowOf(head[5] ?? 0);
    if (this.#window > MOST_WINDOW) throw this.#tooMuch(`refers back ${this.#window} bytes`);
    this.#checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
    this.#state = 'block';
    this.#head = [];
  }

  #readBlock(): void {
    if (this.#head.length < 3) return;
    const header = Buffer.from(this.#head).readUIntLE(0, 3);
    const isLast = (header & 1) === 1;
    const isRun = ((header >> 1) & 3) === 1;
    this.#moved += this.#window;
    this.#expect((isRun ? 1 : header >> 3) + (isLast ? this.#checksumBytes : 0), isLast);
  }

  #expect(bytes: number, endsFrame: boolean): void {
    this.#head = [];
    this.#left = bytes;
    this.#endsFrame = endsFrame;
    this.#state = bytes > 0 ? 'content' : endsFrame ? 'frame' : 'block';
  }

  #tooMuch(why: string): QuarryError {
    return new QuarryError('DATA_INVALID', `${this.#name} ${why}, which takes too much memory to decompress`, {
      hint: 'decompress it yourself (zstd -d --long=31), or compress it without --long',
      details: { windowBytes: this.#window },
    });
  }
}

function sizeAt(head: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(head.readBigUInt64LE(at));
  return head.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
