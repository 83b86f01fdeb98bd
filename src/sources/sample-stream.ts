import { type QuarryError, throwIfAborted } from '../errors/index.js';
import type { PacedRetryPolicy } from '../net/index.js';
import type { Sample, SourceUnit } from './contract.js';
import { type CutOptions, type CutSample, type CutStats, createCutStats } from './cut.js';
import { UnitReader } from './unit-reader.js';

/** Immediate retries before going on with other units: about ten seconds. */
const SOON: PacedRetryPolicy = { attempts: 4, backoff: { baseMs: 1_000, maxMs: 10_000 } };
/** Retries of postponed units, after all others have been read: about ten minutes. */
const LATER: PacedRetryPolicy = { attempts: 12, backoff: { baseMs: 2_000, maxMs: 60_000 } };

/** How to cut samples and in which order to read units. */
export interface SampleStreamOptions extends CutOptions {
  /** Shuffles the units; the same seed gives the same order. Default: the order listed. */
  readonly seed?: number | undefined;
  /**
   * Number of units, in this order, that an earlier run read completely. Units that can be read only once are read
   * regardless. Default 0.
   */
  readonly skipUnits?: number | undefined;
  /** Samples cut in advance. Default 64. */
  readonly prefetch?: number | undefined;
  /**
   * Called for each unit or record that cannot be read and is left out. If absent, such a unit ends the stream with its
   * error.
   */
  readonly onUnreadable?: ((unit: string, error: QuarryError) => void) | undefined;
  /** Called on a transient failure, before the unit is retried after a delay. */
  readonly onRetry?: ((unit: string, error: QuarryError, delayMs: number) => void) | undefined;
  /** Retries of transient failures: immediate ones, and those of postponed units after all others. */
  readonly retries?: { readonly soon?: PacedRetryPolicy | undefined; readonly later?: PacedRetryPolicy | undefined };
  /** Counts samples as they are cut. */
  readonly stats?: CutStats | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Samples of all units. Holds at most `prefetch` samples: reading continues while earlier ones are scored, and pauses
 * when they are not consumed.
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
  // Postponed units still count as unread: a later run starts with the first of them, which is the earliest.
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

/** Adds to each sample the unit that reading has reached; returns the reader's result. */
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

/** A permutation of 0…count-1 (Fisher-Yates, with a 32-bit xorshift generator). */
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
