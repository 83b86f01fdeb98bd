import { type QuarryError, toQuarryError } from '../errors/index.js';
import { backoffDelayMs, type PacedRetryPolicy, sleep } from '../net/index.js';
import type { SourceDocument, SourceUnit } from './contract.js';
import { type CutOptions, type CutSample, type CutStats, cutDocument } from './cut.js';
import type { OnLeftOut } from './left-out.js';

/** Names remembered, so that retries do not report them again. */
const MOST_TOLD = 1_000;

export interface UnitReaderOptions extends CutOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with records left out of the unit. */
  readonly onLeftOut?: OnLeftOut | undefined;
  /** Called on a transient failure, before the delay. */
  readonly onRetry?: ((unit: string, error: QuarryError, delayMs: number) => void) | undefined;
}

/** Reads one unit across retries. Each attempt reads from the start and skips the samples already delivered. */
export class UnitReader {
  readonly unit: SourceUnit;
  /** Position in the reading order. */
  readonly position: number;
  readonly #options: UnitReaderOptions;
  readonly #stats: CutStats;
  #delivered = 0;
  /** Names already reported by earlier attempts. */
  readonly #told = new Set<string>();
  /** Counts added by the last attempt, undone when it is repeated. */
  #counted: CutStats | undefined;

  constructor(unit: SourceUnit, position: number, options: UnitReaderOptions, stats: CutStats) {
    this.unit = unit;
    this.position = position;
    this.#options = options;
    this.#stats = stats;
  }

  /**
   * The rest of the unit's samples.
   *
   * @param policy consecutive attempts without a new sample before the unit is given up
   * @returns the failure that prevents reading; `undefined` if everything was read
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async *read(policy: PacedRetryPolicy): AsyncGenerator<CutSample, QuarryError | undefined> {
    const { signal, onRetry } = this.#options;
    for (let failures = 0; ; ) {
      const before = this.#delivered;
      try {
        yield* this.#attempt();
        return undefined;
      } catch (error) {
        const failure = toQuarryError(error, `reading ${this.unit.name}`);
        if (failure.code === 'ABORTED') throw failure;
        failures = this.#delivered > before ? 1 : failures + 1;
        if (!failure.retryable || this.unit.readOnce || failures >= policy.attempts) return failure;
        const delayMs = backoffDelayMs(failures - 1, policy.backoff, Math.random);
        onRetry?.(this.unit.name, failure, delayMs);
        await sleep(delayMs, signal);
      }
    }
  }

  /** The document's samples; a damaged independent document ends where the damage begins. */
  async *#cut(document: SourceDocument): AsyncGenerator<CutSample> {
    try {
      yield* cutDocument(document, this.#options, this.#stats);
    } catch (error) {
      const failure = toQuarryError(error, `reading ${document.origin}`);
      if (!document.independent || failure.code !== 'DATA_INVALID') throw failure;
      this.#leaveOut(document.origin, failure);
    }
  }

  readonly #leaveOut: OnLeftOut = (name, error) => {
    if (this.#told.has(name)) return;
    if (this.#told.size < MOST_TOLD) this.#told.add(name);
    this.#options.onLeftOut?.(name, error);
  };

  async *#attempt(): AsyncGenerator<CutSample> {
    const stats = this.#stats;
    if (this.#counted !== undefined) for (const name of namesOf(stats)) stats[name] -= this.#counted[name];
    const start = { ...stats };
    let index = 0;
    try {
      for await (const document of this.unit.documents(this.#options.signal, this.#leaveOut)) {
        for await (const sample of this.#cut(document)) {
          if (index++ < this.#delivered) continue;
          this.#delivered++;
          yield sample;
        }
      }
    } finally {
      const counted = { ...stats };
      for (const name of namesOf(stats)) counted[name] -= start[name];
      this.#counted = counted;
    }
  }
}

function namesOf(stats: CutStats): (keyof CutStats)[] {
  return Object.keys(stats) as (keyof CutStats)[];
}
