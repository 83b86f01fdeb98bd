import { throwIfAborted } from '../errors/index.js';
import type { Sample } from '../sources/index.js';
import type { Store } from '../store/index.js';

/** Fresh samples, read ahead of the scorer by at most one batch and free of bytes the store has seen. */
export class Intake {
  readonly #samples: AsyncIterator<Sample>;
  readonly #store: Store;
  readonly #onUnit: (unit: number) => void;
  #unit = 0;
  #ended = false;
  #taken = 0;
  #duplicates = 0;

  /** @param onUnit told that every unit before this one is in the store, whenever that has changed */
  constructor(samples: AsyncIterable<Sample>, store: Store, onUnit: (unit: number) => void = () => {}) {
    this.#samples = samples[Symbol.asyncIterator]();
    this.#store = store;
    this.#onUnit = onUnit;
  }

  /** Whether the source has nothing more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** New samples handed out. */
  get taken(): number {
    return this.#taken;
  }

  /** Samples left out because their bytes are in the store. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Stores up to `count` new samples and returns their ids; fewer only at the end of the source. */
  async next(count: number, signal: AbortSignal): Promise<number[]> {
    const ids: number[] = [];
    while (ids.length < count && !this.#ended) {
      throwIfAborted(signal, 'reading samples');
      const batch: Sample[] = [];
      while (batch.length < count - ids.length) {
        const { value, done } = await this.#samples.next();
        if (done) {
          this.#ended = true;
          break;
        }
        batch.push(value);
      }
      if (batch.length === 0) break;
      for (const { id, duplicate } of await this.#store.appendSamples(batch)) {
        if (duplicate) this.#duplicates++;
        else ids.push(id);
      }
      const { unit } = batch[batch.length - 1] ?? { unit: this.#unit };
      if (unit !== this.#unit) this.#onUnit(unit);
      this.#unit = unit;
    }
    this.#taken += ids.length;
    return ids;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#samples.return?.();
  }
}
