/** Averaging windows, seconds. */
const RATE_WINDOWS_SECONDS = [10, 60, 900] as const;

/** Events per second over the last 10 s, 60 s and 15 min; `undefined` until the meter has run for a tenth of a window. */
export type Rates = readonly [
  tenSeconds: number | undefined,
  minute: number | undefined,
  quarterHour: number | undefined,
];

const SLOTS = 900;

/** Counts events in one-second slots. Constant memory, exact over whole seconds. */
export class RateMeter {
  readonly #now: () => number;
  readonly #counts = new Float64Array(SLOTS);
  readonly #startedAt: number;
  #second: number;
  #total = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
    this.#second = Math.floor(now() / 1000);
  }

  get total(): number {
    return this.#total;
  }

  add(count = 1): void {
    this.#advance();
    this.#total += count;
    this.#counts[this.#second % SLOTS] = (this.#counts[this.#second % SLOTS] ?? 0) + count;
  }

  rates(): Rates {
    this.#advance();
    const age = (this.#now() - this.#startedAt) / 1000;
    return RATE_WINDOWS_SECONDS.map((window) => {
      if (age < window / 10) return undefined;
      let sum = 0;
      for (let i = 0; i < window; i++) sum += this.#counts[(this.#second - i + SLOTS * 2) % SLOTS] ?? 0;
      return sum / Math.max(1, Math.min(window, age));
    }) as unknown as Rates;
  }

  #advance(): void {
    const current = Math.floor(this.#now() / 1000);
    const steps = Math.min(current - this.#second, SLOTS);
    for (let i = 1; i <= steps; i++) this.#counts[(this.#second + i) % SLOTS] = 0;
    if (current > this.#second) this.#second = current;
  }
}
