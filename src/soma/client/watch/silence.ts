import { QuarryError } from '../../../errors/index.js';

/** Number of silent intervals after which a stream counts as dead. */
const INTERVALS = 50;
/** Bounds of the limit, milliseconds: a chain may pause, but waiting minutes is useless. */
const LEAST_MS = 10_000;
const MOST_MS = 60_000;
/** Limit before any interval is known, milliseconds. */
const FIRST_MS = 15_000;

/** Detects dead streams by missing data: a connection answers pings long after its subscription has died. */
export class Silence {
  readonly #now: () => number;
  readonly #onSilent: () => void;
  #lastAt: number | undefined;
  /** Smoothed interval between items, milliseconds. */
  #intervalMs: number | undefined;

  /**
   * @param now monotonic milliseconds
   * @param onSilent called when an item does not arrive in time
   */
  constructor(now: () => number, onSilent: () => void) {
    this.#now = now;
    this.#onSilent = onSilent;
  }

  /** Time limit for the next item, milliseconds. */
  get limitMs(): number {
    if (this.#intervalMs === undefined) return FIRST_MS;
    return Math.min(MOST_MS, Math.max(LEAST_MS, this.#intervalMs * INTERVALS));
  }

  /**
   * Returns the item if it arrives in time.
   *
   * @throws QuarryError `TIMEOUT` when it does not
   */
  async bound<T>(item: Promise<T>): Promise<T> {
    const limitMs = this.limitMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#lastAt = undefined;
        this.#onSilent();
        reject(
          new QuarryError('TIMEOUT', `no checkpoint for ${Math.round(limitMs / 1000)} s on an open stream`, {
            hint: 'the stream is reopened and missed checkpoints are read',
          }),
        );
      }, limitMs);
    });
    try {
      const value = await Promise.race([item, late]);
      this.#learn();
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  #learn(): void {
    const now = this.#now();
    if (this.#lastAt !== undefined) {
      const interval = now - this.#lastAt;
      this.#intervalMs = this.#intervalMs === undefined ? interval : this.#intervalMs * 0.9 + interval * 0.1;
    }
    this.#lastAt = now;
  }
}
