import { type QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import type { Sample, SourceUnit } from './contract.js';
import { type CutOptions, type CutStats, createCutStats, cutDocument } from './cut.js';

export interface SampleStreamOptions extends CutOptions {
  /** Orders the units; the same seed gives the same order. Absent: as listed. */
  readonly seed?: number;
  /** Units read completely by an earlier run, in this order. Default 0. */
  readonly skipUnits?: number;
  /** Samples cut ahead of the reader. Default 64. */
  readonly prefetch?: number;
  /** A unit that cannot be read is reported here and left out. Absent: it ends the stream with its error. */
  readonly onUnreadable?: (unit: string, error: QuarryError) => void;
  readonly stats?: CutStats;
  readonly signal?: AbortSignal;
}

/**
 * Samples of all units. At most `prefetch` are held: reading goes on while earlier ones are being scored and stops
 * when nobody takes them.
 */
export async function* sampleStream(
  units: readonly SourceUnit[],
  options: SampleStreamOptions = {},
): AsyncGenerator<Sample> {
  const order = options.seed === undefined ? units.map((_, i) => i) : shuffled(units.length, options.seed);
  yield* prefetched(cutAll(units, order, options), options.prefetch ?? 64);
}

async function* cutAll(
  units: readonly SourceUnit[],
  order: readonly number[],
  options: SampleStreamOptions,
): AsyncGenerator<Sample> {
  const stats = options.stats ?? createCutStats();
  for (let position = options.skipUnits ?? 0; position < order.length; position++) {
    const unit = units[order[position] ?? 0];
    if (unit === undefined) continue;
    throwIfAborted(options.signal, 'reading samples');
    try {
      for await (const document of unit.documents(options.signal)) {
        for await (const sample of cutDocument(document, options, stats)) yield { ...sample, unit: position };
      }
    } catch (error) {
      const failure = toQuarryError(error, `reading ${unit.name}`);
      if (failure.code === 'ABORTED' || options.onUnreadable === undefined) throw failure;
      options.onUnreadable(unit.name, failure);
    }
  }
}

/** Keeps up to `count` items of `source` ready. */
async function* prefetched<T>(source: AsyncGenerator<T>, count: number): AsyncGenerator<T> {
  const pending: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = source.next();
    next.catch(() => {});
    pending.push(next);
  };
  try {
    while (pending.length < count) ask();
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const { value, done } = await next;
      if (done) return;
      ask();
      yield value;
    }
  } finally {
    await source.return(undefined);
  }
}

/** A permutation of 0…count-1 (Fisher and Yates, driven by a 32-bit xorshift of the seed). */
function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  let state = (seed ^ 0x9e37_79b9) >>> 0 || 1;
  for (let i = count - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
