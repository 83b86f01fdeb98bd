import { type QuarryError, throwIfAborted } from '../errors/index.js';
import type { PacedRetryPolicy } from '../http/index.js';
import type { Sample, SourceUnit } from './contract.js';
import { type CutOptions, type CutSample, type CutStats, createCutStats } from './cut.js';
import { UnitReader } from './unit-reader.js';

/** Attempts in a row before the reading goes on with other units: about ten seconds. */
const SOON: PacedRetryPolicy = { attempts: 4, backoff: { baseMs: 1_000, maxMs: 10_000 } };
/** Attempts at a unit that was put off, once all others are read: about ten minutes. */
const LATER: PacedRetryPolicy = { attempts: 12, backoff: { baseMs: 2_000, maxMs: 60_000 } };

/** How samples are cut and in which order units are read. */
export interface SampleStreamOptions extends CutOptions {
  /** Orders the units; the same seed gives the same order. Absent: as listed. */
  readonly seed?: number | undefined;
  /** Units read completely by an earlier run, in this order. Those that can be read only once are read all the same. Default 0. */
  readonly skipUnits?: number | undefined;
  /** Samples cut ahead of the reader. Default 64. */
  readonly prefetch?: number | undefined;
  /**
   * A unit that cannot be read is reported here and left out, as is a record of one. Absent: a unit ends the stream
   * with its error.
   */
  readonly onUnreadable?: ((unit: string, error: QuarryError) => void) | undefined;
  /** Called with a transient failure: the unit is read again after a pause. */
  readonly onRetry?: ((unit: string, error: QuarryError, delayMs: number) => void) | undefined;
  /** How transient failures are met: at once, and for units that were put off until all others were read. */
  readonly retries?: { readonly soon?: PacedRetryPolicy | undefined; readonly later?: PacedRetryPolicy | undefined };
  readonly stats?: CutStats | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Samples of all units. At most `prefetch` are held: reading goes on while earlier ones are being scored and stops
 * when no consumer takes them.
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
  const { skipUnits = 0, stats = createCutStats(), retries } = options;
  const { onUnreadable } = options;
  const readerOptions = { ...options, onLeftOut: onUnreadable };
  const putOff: UnitReader[] = [];
  // What was put off is not behind us: a later run begins with it, and the first put off is the earliest.
  const reached = (position: number): number =>
    Math.min(Math.max(position, skipUnits), putOff[0]?.position ?? Number.POSITIVE_INFINITY);
  for (const [position, index] of order.entries()) {
    const unit = units[index];
    if (unit === undefined || (position < skipUnits && !unit.readOnce)) continue;
    throwIfAborted(options.signal, 'reading samples');
    const reader = new UnitReader(unit, position, readerOptions, stats);
    const samples = reader.read(retries?.soon ?? SOON);
    const failure = yield* numbered(samples, () => reached(position));
    if (failure === undefined) continue;
    if (failure.retryable && !unit.readOnce) putOff.push(reader);
    else leaveOut(unit, failure, options);
  }
  for (let reader = putOff[0]; reader !== undefined; reader = putOff[0]) {
    const { unit, position } = reader;
    const failure = yield* numbered(reader.read(retries?.later ?? LATER), () => reached(position));
    putOff.shift();
    if (failure !== undefined) leaveOut(unit, failure, options);
  }
}

/** Samples with the unit that reading has reached; returns what the reader returns. */
async function* numbered<T>(samples: AsyncGenerator<CutSample, T>, unit: () => number): AsyncGenerator<Sample, T> {
  try {
    for (;;) {
      const next = await samples.next();
      if (next.done) return next.value;
      yield { ...next.value, unit: unit() };
    }
  } finally {
    await samples.return(undefined as T);
  }
}

function leaveOut(unit: SourceUnit, failure: QuarryError, { onUnreadable }: SampleStreamOptions): void {
  if (onUnreadable === undefined) throw failure;
  onUnreadable(unit.name, failure);
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
