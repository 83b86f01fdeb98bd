/** Bytes of a new buffer. Most answers are smaller; a buffer that grew for a larger one is kept. */
const CAPACITY = 16_384;
/** Bytes of the longest varint. */
const VARINT_BYTES = 10;

/**
 * Bytes written from the last to the first. A nested message, which is preceded by its length, is then written in one pass: the
 * length is known when its turn comes. The buffer is reused for one message after another.
 */
export class BackwardBytes {
  #bytes = Buffer.allocUnsafeSlow(CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  #at = CAPACITY;

  /** Bytes written since {@link clear}. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  clear(): void {
    this.#at = this.#bytes.length;
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#at));
  }

  /** @param value an integer from 0 to 2^53 - 1 */
  varint(value: number): void {
    if (value < 128) {
      this.#reserve(1);
      this.#bytes[this.#at] = value;
      return;
    }
    let length = 2;
    for (let limit = 16_384; value >= limit; limit *= 128) length++;
    this.#reserve(length);
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) this.#bytes[at++] = (rest & 127) | 128;
    this.#bytes[at] = rest;
  }

  /** @param value any integer of 64 bits; negative ones are written as their two's complement */
  varint64(value: bigint): void {
    const small = Number(value);
    if (small >= 0 && small <= Number.MAX_SAFE_INTEGER) {
      this.varint(small);
      return;
    }
    const digits = new Uint8Array(VARINT_BYTES);
    let count = 0;
    for (let rest = BigInt.asUintN(64, value); rest > 0n; rest >>= 7n) digits[count++] = Number(rest & 127n) | 128;
    digits[count - 1]! &= 127;
    this.bytes(digits.subarray(0, count));
  }

  float(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#at, value, true);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
  }

  /** Writes text as UTF-8, lone surrogates as U+FFFD. */
  text(value: string): void {
    const { length } = value;
    this.#reserve(length);
    const bytes = this.#bytes;
    const start = this.#at;
    for (let n = 0; n < length; n++) {
      const code = value.charCodeAt(n);
      if (code > 127) {
        this.#at += length;
        this.bytes(Buffer.from(value));
        return;
      }
      bytes[start + n] = code;
    }
  }

  #reserve(count: number): void {
    if (count > this.#at) this.#grow(count);
    this.#at -= count;
  }

  #grow(count: number): void {
    const { length } = this;
    const grown = Buffer.allocUnsafeSlow((length + count) * 2);
    this.#bytes.copy(grown, grown.length - length, this.#at);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#at = grown.length - length;
  }
}
