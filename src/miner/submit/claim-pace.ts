import { allowManyListeners } from '../../http/index.js';

export interface ClaimPaceOptions {
  /** A claim waits no longer than this, milliseconds, whatever submissions do. Default 10,000. */
  readonly patienceMs?: number | undefined;
  /** Once no submission was pending for so long, claims are alone. Default 1,000. */
  readonly quietMs?: number | undefined;
}

/** More submissions pending than so many times the usual number are a burst. */
const BURST = 2;
/** What is usual is the average over about this time: a burst that lasts longer is no burst. */
const USUAL_OVER_MS = 10_000;
/** Claims that may go for each submission that ended: more than it will bring, so that a backlog shrinks. */
const CLAIMS_PER_SUBMISSION = 1.5;
/** Unused turns that are kept: a long time without claims must not bring them all at once. */
const MAX_TURNS = 16;

/**
 * Says when a claim may take coins and processor time. It can be made all epoch long, a submission only until another
 * miner fills the target: so claims go at will when nothing was submitted lately, and none goes while a burst of fresh
 * targets is answered. Submissions that never stop share with them: each that ends lets claims go, more than it will bring.
 */
export class ClaimPace {
  readonly #patienceMs: number;
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #pending = 0;
  #isQuiet = true;
  #quietTimer: NodeJS.Timeout | undefined;
  /** Pending submissions, averaged over time. */
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

  /** A submission waits to be sent. */
  queued(): void {
    this.#average();
    this.#pending++;
    this.#isQuiet = false;
    clearTimeout(this.#quietTimer);
  }

  /** A submission came to its end, whichever. */
  ended(): void {
    this.#average();
    this.#pending--;
    this.#turns = Math.min(MAX_TURNS, this.#turns + CLAIMS_PER_SUBMISSION);
    if (this.#pending === 0) this.#quietTimer = setTimeout(() => this.#fallQuiet(), this.#quietMs).unref();
    this.#wake();
  }

  /** Resolves when a claim may go, or the signal fires. */
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
