import { type QuarryError, toQuarryError } from '../errors/index.js';
import { backoffDelayMs, type RetryPolicy, sleep } from '../http/index.js';
import type { SourceUnit } from './contract.js';
import { type CutOptions, type CutSample, type CutStats, cutDocument } from './cut.js';

export interface UnitReaderOptions extends CutOptions {
  readonly signal?: AbortSignal;
  /** Told of a failure that may pass, before the pause. */
  readonly onRetry?: (unit: string, error: QuarryError, delayMs: number) => void;
}

/**
 * Reads one unit, from where an earlier attempt broke off: it is read from its beginning again, and what was delivered is
 * left out.
 */
export class UnitReader {
  readonly unit: SourceUnit;
  /** Its place in the order of reading. */
  readonly position: number;
  readonly #options: UnitReaderOptions;
  readonly #stats: CutStats;
  #delivered = 0;
  /** What earlier attempts counted, so that it can be taken back. */
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
   * @param policy attempts in a row without a new sample, before the unit is given up
   * @returns the failure that stands in the way; `undefined` when all was read
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async *read(policy: Required<RetryPolicy>): AsyncGenerator<CutSample, QuarryError | undefined> {
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

  async *#attempt(): AsyncGenerator<CutSample> {
    const stats = this.#stats;
    if (this.#counted !== undefined) for (const name of namesOf(stats)) stats[name] -= this.#counted[name];
    const start = { ...stats };
    let index = 0;
    try {
      for await (const document of this.unit.documents(this.#options.signal)) {
        for await (const sample of cutDocument(document, this.#options, stats)) {
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
