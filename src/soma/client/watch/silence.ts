import { QuarryError } from '../../../errors/index.js';

/** Intervals without news after which a stream counts as dead. */
const INTERVALS = 50;
/** Bounds of the wait, milliseconds: a chain may pause, and a wait of minutes helps no one. */
const LEAST_MS = 10_000;
const MOST_MS = 60_000;
/** The wait before any interval is known, milliseconds. */
const FIRST_MS = 15_000;

/**
 * Tells a stream that went silent from one that is alive: by its data. A connection answers pings long after the
 * subscription behind it has died.
 */
export class Silence {
  readonly #now: () => number;
  #lastAt: number | undefined;
  /** Smoothed time between two items, milliseconds. */
  #intervalMs: number | undefined;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How long the next item may take, milliseconds. */
  get limitMs(): number {
    if (this.#intervalMs === undefined) return FIRST_MS;
    return Math.min(MOST_MS, Math.max(LEAST_MS, this.#intervalMs * INTERVALS));
  }

  /**
   * The item, if it comes in time.
   *
   * @throws QuarryError `TIMEOUT` when it does not
   */
  async bound<T>(item: Promise<T>): Promise<T> {
    const limitMs = this.limitMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#lastAt = undefined;
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
