import { throwIfAborted } from '../../errors/index.js';
import type { Sample } from '../../sources/index.js';
import type { Store } from '../../store/index.js';

/** Longest wait for a slow source before the samples read so far are scored. */
const PATIENCE_MS = 500;
/** Samples read per batch at most, so that a long run of duplicates does not hold up scoring and matching. */
const MOST_READ = 1_024;

/** Reads samples into the store and hands out the ids of those it did not have yet. */
export class SampleIngest {
  readonly #samples: AsyncIterator<Sample>;
  readonly #store: Store;
  readonly #onUnit: (unit: number) => void;
  #unit = 0;
  #pending: Asked | undefined;
  #ended = false;
  #taken = 0;
  #duplicates = 0;
  #hasMore = false;

  /** @param onUnit called with a unit once all units before it are in the store */
  constructor(samples: AsyncIterable<Sample>, store: Store, onUnit: (unit: number) => void = () => {}) {
    this.#samples = samples[Symbol.asyncIterator]();
    this.#store = store;
    this.#onUnit = onUnit;
  }

  /** Whether the source is exhausted. */
  get ended(): boolean {
    return this.#ended;
  }

  /** New samples handed out. */
  get taken(): number {
    return this.#taken;
  }

  /** Samples skipped because the store already has their bytes. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Whether the last read stopped at its limit rather than at a slow or exhausted source. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /**
   * Stores up to `count` new samples and returns their ids; fewer if the source ends, is slow or yields mostly
   * duplicates.
   */
  async next(count: number, signal: AbortSignal): Promise<number[]> {
    const ids: number[] = [];
    let waiting = true;
    for (let read = 0; waiting && read < MOST_READ && ids.length < count && !this.#ended; ) {
      throwIfAborted(signal, 'reading samples');
      const batch: Sample[] = [];
      while (batch.length < count - ids.length) {
        const next = await this.#read(signal);
        if (next === undefined) {
          waiting = false;
          break;
        }
        const { value, done } = next;
        if (done) {
          this.#ended = true;
          break;
        }
        batch.push(value);
      }
      if (batch.length === 0) break;
      read += batch.length;
      for (const { id, duplicate } of await this.#store.appendSamples(batch)) {
        if (duplicate) this.#duplicates++;
        else ids.push(id);
      }
      const { unit } = batch[batch.length - 1] ?? { unit: this.#unit };
      if (unit !== this.#unit) this.#onUnit(unit);
      this.#unit = unit;
    }
    this.#taken += ids.length;
    this.#hasMore = waiting && !this.#ended;
    return ids;
  }

  /** Closes the source without waiting for it: a pipe may be blocked on input. */
  close(): void {
    this.#ended = true;
    const returned = this.#samples.return?.();
    returned?.catch(() => {});
  }

  /** The next sample; `undefined` if none arrived in time. The pending read is kept for the next call. */
  async #read(signal: AbortSignal): Promise<IteratorResult<Sample> | undefined> {
    if (this.#pending === undefined) {
      const asked: Asked = { settled: false, arrived: () => {}, next: this.#samples.next() };
      const settle = (): void => {
        asked.settled = true;
        asked.arrived();
      };
      // One handler per read: racing the promise on each call would leak a handler each time on a silent source.
      asked.next.then(settle, settle);
      this.#pending = asked;
    }
    const asked = this.#pending;
    await arrival(asked, signal);
    if (!asked.settled) return undefined;
    this.#pending = undefined;
    return asked.next;
  }
}

/** A pending read. */
interface Asked {
  readonly next: Promise<IteratorResult<Sample>>;
  settled: boolean;
  /** Called when it settles. */
  arrived: () => void;
}

/** Waits until the read settles, {@link PATIENCE_MS} pass or the signal fires. */
async function arrival(asked: Asked, signal: AbortSignal): Promise<void> {
  if (asked.settled) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      asked.arrived = () => {};
      resolve();
    };
    const timer = setTimeout(done, PATIENCE_MS);
    asked.arrived = done;
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
