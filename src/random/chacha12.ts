/** The four constant words of a ChaCha state: "expand 32-byte k". */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** 12 rounds are six pairs of a column round and a diagonal round. */
const DOUBLE_ROUNDS = 6;

/** Columns and diagonals of the 4 x 4 state, in the order of the rounds. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const U64 = (1n << 64n) - 1n;

/**
 * Expands a u64 seed to eight key words, as `SeedableRng::seed_from_u64` of rand_core 0.9 does: eight steps of a
 * PCG32 generator, the state advanced before each output.
 *
 * @param seed taken modulo 2^64
 * @returns `[8]` key words of ChaCha
 */
export function keyFromSeed(seed: bigint): Uint32Array {
  const key = new Uint32Array(8);
  let state = seed & U64;
  for (let i = 0; i < 8; i++) {
    state = (state * 6364136223846793005n + 11634580027462260723n) & U64;
    const shifted = Number((((state >> 18n) ^ state) >> 27n) & 0xffffffffn);
    const rotation = Number(state >> 59n);
    key[i] = (shifted >>> rotation) | (shifted << (-rotation & 31));
  }
  return key;
}

/**
 * ChaCha with 12 rounds as a random number generator; the same stream as `StdRng` of rand 0.9. Stream id 0, block
 * counter from 0. Words are returned in order, and none is skipped.
 */
export class ChaCha12 {
  readonly #initial = new Uint32Array(16);
  readonly #block = new Uint32Array(16);
  #next = 16;

  /** @param key `[8]` words, from {@link keyFromSeed} */
  constructor(key: Uint32Array) {
    this.#initial.set(CONSTANTS, 0);
    this.#initial.set(key.subarray(0, 8), 4);
  }

  /** The generator `StdRng::seed_from_u64(seed)`. */
  static fromSeed(seed: bigint): ChaCha12 {
    return new ChaCha12(keyFromSeed(seed));
  }

  /** The next 32-bit word of the stream. A 64-bit draw is two of them, the low half first. */
  nextWord(): number {
    if (this.#next === 16) this.#refill();
    return this.#block[this.#next++]!;
  }

  #refill(): void {
    const initial = this.#initial;
    const x = this.#block;
    x.set(initial);
    for (let round = 0; round < DOUBLE_ROUNDS; round++) {
      for (const [a, b, c, d] of QUARTERS) {
        let xa = x[a]!;
        let xb = x[b]!;
        let xc = x[c]!;
        let xd = x[d]!;
        xa = (xa + xb) | 0;
        xd = rotateLeft(xd ^ xa, 16);
        xc = (xc + xd) | 0;
        xb = rotateLeft(xb ^ xc, 12);
        xa = (xa + xb) | 0;
        xd = rotateLeft(xd ^ xa, 8);
        xc = (xc + xd) | 0;
        xb = rotateLeft(xb ^ xc, 7);
        x[a] = xa;
        x[b] = xb;
        x[c] = xc;
        x[d] = xd;
      }
    }
    for (let i = 0; i < 16; i++) x[i] = x[i]! + initial[i]!;
    // The 64-bit block counter: words 12 (low) and 13 (high).
    initial[12] = initial[12]! + 1;
    if (initial[12] === 0) initial[13] = initial[13]! + 1;
    this.#next = 0;
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
