import { QuarryError } from '../../../errors/index.js';

/** Largest sequence length BCS allows (2^31 - 1; the BCS specification, "sequences"). */
export const BCS_MAX_LENGTH = 0x7fff_ffff;

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Appends BCS (Binary Canonical Serialization) values to a growing buffer. */
export class BcsWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param initialCapacity bytes reserved at the start; grows by doubling */
  constructor(initialCapacity = 256) {
    this.#bytes = new Uint8Array(initialCapacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when `value` is not an integer in 0..255 */
  u8(value: number): void {
    checkInteger(value, 0xff, 'u8');
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when `value` is not an integer in 0..65535 */
  u16(value: number): void {
    checkInteger(value, 0xffff, 'u16');
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when `value` is not an integer in 0..2^32-1 */
  u32(value: number): void {
    checkInteger(value, 0xffff_ffff, 'u32');
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when `value` is not a bigint in 0..2^64-1 */
  u64(value: bigint): void {
    if (typeof value !== 'bigint' || value < 0n || value > U64_MAX) {
      throw new QuarryError('INVALID_ARGUMENT', `a u64 must be a bigint in 0..2^64-1, got ${String(value)}`);
    }
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** One byte, 0 or 1. */
  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /**
   * An unsigned LEB128 number: a sequence length or an enum index.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when `value` is not an integer in 0..2^31-1
   */
  uleb128(value: number): void {
    checkInteger(value, BCS_MAX_LENGTH, 'uleb128');
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Raw bytes without a length. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** ULEB128 length, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.uleb128(bytes.length);
    this.raw(bytes);
  }

  /** ULEB128 byte length, then UTF-8. */
  string(text: string): void {
    this.bytes(new TextEncoder().encode(text));
  }

  /** Returns everything written so far, as a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Starts over with the same buffer. */
  clear(): void {
    this.#length = 0;
  }
}

function checkInteger(value: number, max: number, type: string): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new QuarryError('INVALID_ARGUMENT', `a ${type} must be an integer in 0..${max}, got ${String(value)}`);
  }
}
