import { within } from '../net/index.js';
import type { Sample } from './contract.js';
import { SpreadOrder } from './spread-order.js';

/** Maximum bytes held, whatever the number of samples. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** Maximum wait for a source while there are samples to yield. */
const PATIENCE_MS = 20;
/** After this many samples the original order is as good: reach has flattened, and comparing costs time. */
const SPREAD_SAMPLES = 4096;

/** Options of {@link spreadStream}. */
export interface SpreadOptions {
  /** Number of samples held to choose from; the least similar one goes first. 0: original order. */
  readonly lookAhead: number;
}

/**
 * Reorders the first thousands of samples for coverage: of the next `lookAhead` samples, yields the one least similar
 * to those before. A sample's `unit` takes all held samples into account, so a later run can start there.
 */
export async function* spreadStream(
  samples: AsyncIterable<Sample>,
  { lookAhead }: SpreadOptions,
): AsyncGenerator<Sample> {
  if (lookAhead < 2) return yield* samples;
  const source = samples[Symbol.asyncIterator]();
  const held = new Held(source, lookAhead);
  try {
    for (let given = 0; given < SPREAD_SAMPLES; given++) {
      await held.fill();
      const sample = held.take();
      if (sample === undefined) return;
      yield sample;
    }
    for (let sample = held.takeOldest(); sample !== undefined; sample = held.takeOldest()) yield sample;
    yield* held.rest();
  } finally {
    await source.return?.();
  }
}

class Held {
  readonly #source: AsyncIterator<Sample>;
  readonly #most: number;
  readonly #order = new SpreadOrder<Sample>();
  #oldest: Sample[] | undefined;
  #pending: Promise<IteratorResult<Sample>> | undefined;
  #bytes = 0;
  #ended = false;

  constructor(source: AsyncIterator<Sample>, most: number) {
    this.#source = source;
    this.#most = most;
  }

  /**
   * Reads until enough samples are held, the source has none ready, or it ends. Waits for a sample only if none is
   * held.
   */
  async fill(): Promise<void> {
    while (!this.#ended && this.#order.size < this.#most && this.#bytes < MAX_HELD_BYTES) {
      this.#pending ??= this.#source.next();
      const next = this.#order.size === 0 ? await this.#pending : await within(PATIENCE_MS, this.#pending);
      if (next === undefined) return;
      this.#pending = undefined;
      if (next.done) this.#ended = true;
      else {
        this.#bytes += next.value.bytes.length;
        this.#order.add(next.value, next.value.bytes);
      }
    }
  }

  take(): Sample | undefined {
    const sample = this.#order.take();
    if (sample === undefined) return undefined;
    this.#bytes -= sample.bytes.length;
    return { ...sample, unit: Math.min(sample.unit, ...this.#order.items.map(({ unit }) => unit)) };
  }

  takeOldest(): Sample | undefined {
    this.#oldest ??= [...this.#order.items];
    return this.#oldest.shift();
  }

  /** The rest of the source. */
  async *rest(): AsyncGenerator<Sample> {
    while (!this.#ended) {
      const next = await (this.#pending ?? this.#source.next());
      this.#pending = undefined;
      if (next.done) this.#ended = true;
      else yield next.value;
    }
  }
}
