/** The most recent durations, for quantiles that follow current behaviour. */
export class LatencyRecorder {
  readonly #values: Float64Array;
  #count = 0;

  /** @param capacity number of recent values kept */
  constructor(capacity = 1024) {
    this.#values = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  record(ms: number): void {
    this.#values[this.#count % this.#values.length] = ms;
    this.#count++;
  }

  /**
   * The value below which `fraction` (0 to 1) of the kept values lie, in milliseconds; `undefined` if there are none.
   */
  quantile(fraction: number): number | undefined {
    const kept = Math.min(this.#count, this.#values.length);
    if (kept === 0) return undefined;
    const sorted = this.#values.slice(0, kept).sort();
    return sorted[Math.min(kept - 1, Math.floor(fraction * kept))];
  }
}
