import { within } from '../http/index.js';
import type { Sample } from './contract.js';
import { SpreadOrder } from './spread-order.js';

/** Bytes held ahead, however many samples were asked for. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** A source that has nothing at hand for so long is not waited for while samples are. */
const PATIENCE_MS = 20;
/** Samples after which the order of arrival is as good: reach has flattened, and comparing costs time. */
const SPREAD_SAMPLES = 4096;

/** How far ahead samples are compared. */
export interface SpreadOptions {
  /** Samples held, of which the one most unlike those before goes first. 0: the order of arrival. */
  readonly lookAhead: number;
}

/**
 * The first thousands of a stream in an order that covers: of the next `lookAhead` samples the one most unlike those
 * given before. A sample's `unit` says where a later run may begin, with all that is still held taken into account.
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

  /** Reads on until enough is held, the source has nothing at hand, or it ends. Waits for a sample where none is held. */
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

  /** What the source still has. */
  async *rest(): AsyncGenerator<Sample> {
    while (!this.#ended) {
      const next = await (this.#pending ?? this.#source.next());
      this.#pending = undefined;
      if (next.done) this.#ended = true;
      else yield next.value;
    }
  }
}
