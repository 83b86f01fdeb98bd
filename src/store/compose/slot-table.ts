import type { SampleLog } from '../sample-log.js';

/**
 * Which samples of a store compositions are made of: samples of exactly one chunk, at most `capacity` of them. The first
 * half of the slots keeps the oldest, the other half goes on to the newest.
 */
export class SlotTable {
  readonly capacity: number;
  readonly #chunkBytes: number;
  readonly #ids: Int32Array;
  #taken = 0;
  #seen = 0;

  constructor(capacity: number, chunkBytes: number) {
    this.capacity = capacity;
    this.#chunkBytes = chunkBytes;
    this.#ids = new Int32Array(capacity).fill(-1);
  }

  /** Slots in use. */
  get count(): number {
    return Math.min(this.#taken, this.capacity);
  }

  sampleAt(slot: number): number {
    return this.#ids[slot]!;
  }

  /** Takes up samples that came since. */
  update({ count, sizes, dead }: Pick<SampleLog, 'count' | 'sizes' | 'dead'>): void {
    for (; this.#seen < count; this.#seen++) {
      if (sizes.array[this.#seen] !== this.#chunkBytes || dead.array[this.#seen] === 1) continue;
      this.#ids[this.#next()] = this.#seen;
      this.#taken++;
    }
  }

  #next(): number {
    if (this.#taken < this.capacity) return this.#taken;
    const half = this.capacity >> 1;
    return half + ((this.#taken - this.capacity) % (this.capacity - half));
  }
}
