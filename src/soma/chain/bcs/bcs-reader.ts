import { QuarryError } from '../../../errors/index.js';
import { BCS_MAX_LENGTH } from './bcs-writer.js';

// `ignoreBOM` keeps a leading U+FEFF, which is part of a BCS string.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads BCS values from a byte array, accepting only the canonical form. Allocates only after checking that the input
 * has the bytes for it, so memory is bounded by a small multiple of the input.
 */
export class BcsReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;

  /**
   * @param bytes the whole value
   * @param what names the value in errors: `"TransactionData"`
   */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Bytes consumed so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet consumed. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Creates the error for malformed input at the current offset, for the caller to throw. */
  invalid(problem: string, cause?: unknown): QuarryError {
    return new QuarryError('BCS_INVALID', `${this.#what} is not valid BCS: ${problem} at byte ${this.#offset}`, {
      details: { type: this.#what, offset: this.#offset, lengthBytes: this.#bytes.length },
      cause,
    });
  }

  #take(count: number, type: string): number {
    if (count > this.remaining) {
      throw this.invalid(`${type} needs ${count} bytes, but ${this.remaining} are left`);
    }
    const at = this.#offset;
    this.#offset += count;
    return at;
  }

  /** @throws QuarryError `BCS_INVALID` when the input ends */
  u8(): number {
    return this.#view.getUint8(this.#take(1, 'a u8'));
  }

  /** @throws QuarryError `BCS_INVALID` when the input ends */
  u16(): number {
    return this.#view.getUint16(this.#take(2, 'a u16'), true);
  }

  /** @throws QuarryError `BCS_INVALID` when the input ends */
  u32(): number {
    return this.#view.getUint32(this.#take(4, 'a u32'), true);
  }

  /** @throws QuarryError `BCS_INVALID` when the input ends */
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8, 'a u64'), true);
  }

  /**
   * @throws QuarryError `BCS_INVALID` when the input ends
   * @throws QuarryError `BCS_INVALID` when the byte is neither 0 nor 1
   */
  bool(): boolean {
    const value = this.u8();
    if (value > 1) throw this.invalid(`a bool or option tag of ${value}`);
    return value === 1;
  }

  /**
   * An unsigned LEB128 number in its shortest form, at most 2^31 - 1.
   *
   * @throws QuarryError `BCS_INVALID` when the input ends
   * @throws QuarryError `BCS_INVALID` when a shorter form exists
   * @throws QuarryError `BCS_INVALID` when the value exceeds 2^31 - 1
   */
  uleb128(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw this.invalid('a length or index not in its shortest form');
        if (value > BCS_MAX_LENGTH) throw this.invalid(`a length or index of ${value}`);
        return value;
      }
    }
    throw this.invalid('a length or index longer than 5 bytes');
  }

  /**
   * Reads the item count of a sequence and rejects counts that the rest of the input cannot hold.
   *
   * @param minItemBytes minimum bytes per item, at least 1
   * @throws QuarryError `BCS_INVALID` when the items cannot fit into the remaining input
   */
  count(minItemBytes: number): number {
    const count = this.uleb128();
    if (count * minItemBytes > this.remaining) {
      throw this.invalid(`a sequence of ${count} items of at least ${minItemBytes} bytes in ${this.remaining} bytes`);
    }
    return count;
  }

  /**
   * Reads `count` bytes as a copy.
   *
   * @throws QuarryError `BCS_INVALID` when the input ends
   */
  raw(count: number): Uint8Array {
    const at = this.#take(count, 'a byte array');
    return this.#bytes.slice(at, at + count);
  }

  /**
   * Reads a length-prefixed byte string as a copy.
   *
   * @throws QuarryError `BCS_INVALID` when the input ends
   */
  bytes(): Uint8Array {
    return this.raw(this.uleb128());
  }

  /**
   * A length-prefixed UTF-8 string.
   *
   * @throws QuarryError `BCS_INVALID` when the input ends
   * @throws QuarryError `BCS_INVALID` when the bytes are not UTF-8
   */
  string(): string {
    const bytes = this.bytes();
    try {
      return UTF8.decode(bytes);
    } catch (error) {
      throw this.invalid('a string that is not UTF-8', error);
    }
  }

  /** @throws QuarryError `BCS_INVALID` when bytes are left over */
  finish(): void {
    if (this.remaining > 0) throw this.invalid(`${this.remaining} trailing bytes`);
  }
}
