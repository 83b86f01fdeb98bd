/** Protobuf wire types used here. */
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Writes protobuf messages from the last byte to the first: a message's length is known once it is written, so nested
 * ones need neither a copy nor a second pass. Fields are written in reverse order.
 */
export class ReverseProtoWriter {
  #bytes: Buffer;
  #at: number;

  /** @param capacity initial buffer size, bytes; grows as needed */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#at = capacity;
  }

  /** Current position, for {@link message}. */
  get mark(): number {
    return this.#bytes.length - this.#at;
  }

  /** Turns everything written since `mark` into a nested message. */
  message(field: number, mark: number): void {
    this.#varint(this.mark - mark);
    this.#tag(field, LENGTH_DELIMITED);
  }

  /** Writes ASCII text, such as ids, digests and normalised URLs. */
  ascii(field: number, text: string): void {
    this.#reserve(text.length);
    this.#bytes.write(text, this.#at, 'latin1');
    this.#varint(text.length);
    this.#tag(field, LENGTH_DELIMITED);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#varint(value.length);
    this.#tag(field, LENGTH_DELIMITED);
  }

  /** Writes a non-negative integer. */
  integer(field: number, value: bigint | number): void {
    if (typeof value === 'bigint' && value > BigInt(Number.MAX_SAFE_INTEGER)) this.#bigVarint(value);
    else this.#varint(Number(value));
    this.#tag(field, VARINT);
  }

  float(field: number, value: number): void {
    this.#reserve(4);
    this.#bytes.writeFloatLE(value, this.#at);
    this.#tag(field, FIXED32);
  }

  /** Returns everything written, without a copy. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, this.mark);
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    let length = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
    this.#reserve(length);
    let rest = value;
    for (let n = 0; n < length - 1; n++) {
      this.#bytes[this.#at + n] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at + length - 1] = rest;
  }

  #bigVarint(value: bigint): void {
    const digits: number[] = [];
    for (let rest = value; rest > 0n; rest >>= 7n) digits.push(Number(rest & 127n));
    this.#reserve(digits.length);
    digits.forEach((digit, n) => {
      this.#bytes[this.#at + n] = n < digits.length - 1 ? digit | 128 : digit;
    });
  }

  #reserve(count: number): void {
    if (count > this.#at) {
      const used = this.mark;
      const grown = Buffer.allocUnsafeSlow((used + count) * 2);
      this.#bytes.copy(grown, grown.length - used, this.#at);
      this.#bytes = grown;
      this.#at = grown.length - used;
    }
    this.#at -= count;
  }
}
