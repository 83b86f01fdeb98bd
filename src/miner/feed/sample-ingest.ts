import { throwIfAborted } from '../../errors/index.js';
import type { Sample } from '../../sources/index.js';
import type { Store } from '../../store/index.js';

/** A slow source delays scoring no longer than this: what there is gets scored. */
const PATIENCE_MS = 500;
/** Samples read for one batch at most: what is new among many known bytes is scored, and targets are looked at, meanwhile. */
const MOST_READ = 1_024;

/** Fresh samples, read ahead of the scorer by at most one batch and free of bytes the store has seen. */
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

  /** @param onUnit called when every unit before this one is in the store, whenever that has changed */
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

  /** Whether the source had more at hand when it was last read. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /**
   * Stores up to `count` new samples and returns their ids; fewer at the end of the source, when it is slow, and where most of
   * it is known.
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

  /** Lets go of the source. One that is waiting for input, such as a pipe, is not waited for. */
  close(): void {
    this.#ended = true;
    const returned = this.#samples.return?.();
    returned?.catch(() => {});
  }

  /** The next sample; `undefined` when none came in time, which loses nothing: it is waited for again. */
  async #read(signal: AbortSignal): Promise<IteratorResult<Sample> | undefined> {
    if (this.#pending === undefined) {
      const asked: Asked = { settled: false, arrived: () => {}, next: this.#samples.next() };
      const settle = (): void => {
        asked.settled = true;
        asked.arrived();
      };
      // One reaction for the whole wait: a race at every look would leave one behind on a source that stays silent.
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

/** A sample that was asked for. */
interface Asked {
  readonly next: Promise<IteratorResult<Sample>>;
  settled: boolean;
  /** Called when it comes. */
  arrived: () => void;
}

/** Waits until the sample is there, for as long as patience lasts or the signal allows; leaves nothing on the signal. */
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
