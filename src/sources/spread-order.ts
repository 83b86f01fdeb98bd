/** Samples that were taken and are remembered to keep away from; of more, each new one replaces one in turn. */
const MAX_TAKEN = 512;
/** Byte values a sample is described by. */
const VALUES = 256;

interface Waiting<T> {
  readonly item: T;
  readonly features: Float32Array;
  /** Largest likeness to a sample that was taken. */
  nearest: number;
}

/**
 * Hands samples out so that each is as unlike as can be to those taken before: farthest first, by how often each byte
 * value occurs. Embeddings of unlike samples point in unlike directions, and what widens reach is new directions.
 */
export class SpreadOrder<T> {
  readonly #waiting: Waiting<T>[] = [];
  readonly #taken: Float32Array[] = [];
  #next = 0;

  /** Samples that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Those that wait, oldest first. */
  get items(): readonly T[] {
    return this.#waiting.map(({ item }) => item);
  }

  add(item: T, bytes: Uint8Array): void {
    const features = featuresOf(bytes);
    let nearest = Number.NEGATIVE_INFINITY;
    for (const other of this.#taken) nearest = Math.max(nearest, likeness(features, other));
    this.#waiting.push({ item, features, nearest });
  }

  /** The sample most unlike those taken, the oldest of several; undefined when none waits. */
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

/** Square roots of the shares of byte values: their products measure how much two distributions overlap, from 0 to 1. */
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
