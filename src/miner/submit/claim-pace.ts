import { allowManyListeners } from '../../net/index.js';

export interface ClaimPaceOptions {
  /** Longest that a claim waits, milliseconds. Default 10,000. */
  readonly patienceMs?: number | undefined;
  /** Claims are unlimited after this long without a pending submission, milliseconds. Default 1,000. */
  readonly quietMs?: number | undefined;
}

/** A burst is more than this many times the usual number of pending submissions. */
const BURST = 2;
/** Time constant of the average that defines the usual number; a longer burst becomes the new usual. */
const USUAL_OVER_MS = 10_000;
/** Claims allowed for each submission that ends. A submission causes at most one claim, so backlogs shrink. */
const CLAIMS_PER_SUBMISSION = 1.5;
/** Cap on unused turns, so that claims do not come all at once after a long time without any. */
const MAX_TURNS = 16;

/**
 * Decides when a claim may use coins and processor time. A claim can be made at any time of the epoch, a submission
 * only until another miner fills the target. So claims are unlimited while nothing is being submitted and blocked
 * during a burst of submissions; under steady submissions, each that ends allows {@link CLAIMS_PER_SUBMISSION} claims.
 */
export class ClaimPace {
  readonly #patienceMs: number;
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #pending = 0;
  #isQuiet = true;
  #quietTimer: NodeJS.Timeout | undefined;
  /** Exponential moving average of pending submissions. */
  #usual = 0;
  #turns = 0;
  #countedAt: number;

  /** @param now monotonic milliseconds */
  constructor({ patienceMs = 10_000, quietMs = 1_000 }: ClaimPaceOptions, now: () => number) {
    this.#patienceMs = patienceMs;
    this.#quietMs = quietMs;
    this.#now = now;
    this.#countedAt = now();
  }

  /** Counts a submission as pending. */
  queued(): void {
    this.#average();
    this.#pending++;
    this.#isQuiet = false;
    clearTimeout(this.#quietTimer);
  }

  /** Counts a submission as ended, whatever its outcome. */
  ended(): void {
    this.#average();
    this.#pending--;
    this.#turns = Math.min(MAX_TURNS, this.#turns + CLAIMS_PER_SUBMISSION);
    if (this.#pending === 0) this.#quietTimer = setTimeout(() => this.#fallQuiet(), this.#quietMs).unref();
    this.#wake();
  }

  /** Resolves when a claim may be made, or the signal fires. */
  async turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted || (this.#waiting.size === 0 && this.#take())) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        this.#waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, this.#patienceMs);
      allowManyListeners(signal).addEventListener('abort', go);
      this.#waiting.add(go);
    });
  }

  #fallQuiet(): void {
    this.#isQuiet = true;
    this.#wake();
  }

  #wake(): void {
    for (const go of this.#waiting) {
      if (!this.#take()) return;
      go();
    }
  }

  #take(): boolean {
    if (this.#isQuiet) return true;
    this.#average();
    if (this.#turns < 1 || this.#pending > BURST * this.#usual) return false;
    this.#turns--;
    return true;
  }

  #average(): void {
    const now = this.#now();
    const weight = 1 - Math.exp((this.#countedAt - now) / USUAL_OVER_MS);
    this.#usual += (this.#pending - this.#usual) * weight;
    this.#countedAt = now;
  }
}
