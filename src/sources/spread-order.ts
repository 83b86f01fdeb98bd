/** Taken samples to keep away from; beyond this number, new ones overwrite the oldest in turn. */
const MAX_TAKEN = 512;
/** Number of byte values in a sample's histogram. */
const VALUES = 256;

interface Waiting<T> {
  readonly item: T;
  readonly features: Float32Array;
  /** Greatest similarity to any taken sample. */
  nearest: number;
}

/**
 * Yields samples so that each differs as much as possible from those taken before: farthest first, by byte histogram.
 * Embeddings of dissimilar samples point in different directions, and new directions extend reach.
 */
export class SpreadOrder<T> {
  readonly #waiting: Waiting<T>[] = [];
  readonly #taken: Float32Array[] = [];
  #next = 0;

  /** Number of waiting samples. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Waiting samples, oldest first. */
  get items(): readonly T[] {
    return this.#waiting.map(({ item }) => item);
  }

  add(item: T, bytes: Uint8Array): void {
    const features = featuresOf(bytes);
    let nearest = Number.NEGATIVE_INFINITY;
    for (const other of this.#taken) nearest = Math.max(nearest, likeness(features, other));
    this.#waiting.push({ item, features, nearest });
  }

  /** Takes the sample least similar to those taken, or the oldest of several; undefined if none is waiting. */
  take(): T | undefined {
    let at = -1;
    for (const [i, { nearest }] of this.#waiting.entries()) {
      if (at < 0 || nearest < this.#waiting[at]!.nearest) at = i;
    }
    const [taken] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (taken === undefined) return undefined;
    this.#taken[this.#next++ % MAX_TAKEN] = taken.features;
    for (const each of this.#waiting) each.nearest = Math.max(each.nearest, likeness(each.features, taken.features));
    return taken.item;
  }
}

/** Square roots of the byte frequencies: their dot product is the overlap of two distributions, from 0 to 1. */
function featuresOf(bytes: Uint8Array): Float32Array {
  const counts = new Float32Array(VALUES);
  for (const byte of bytes) counts[byte] = counts[byte]! + 1;
  return counts.map((count) => Math.sqrt(count / bytes.length));
}

function likeness(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < VALUES; i++) sum += a[i]! * b[i]!;
  return sum;
}
