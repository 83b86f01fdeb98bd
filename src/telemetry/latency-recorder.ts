/** The last values of a duration, for quantiles that follow the present. */
export class LatencyRecorder {
  readonly #values: Float64Array;
  #count = 0;

  /** @param capacity how many of the latest values are kept */
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

  /** The value below which `fraction` (0 to 1) of the kept values lie, in milliseconds; `undefined` before the first. */
  quantile(fraction: number): number | undefined {
    const kept = Math.min(this.#count, this.#values.length);
    if (kept === 0) return undefined;
    const sorted = this.#values.slice(0, kept).sort();
    return sorted[Math.min(kept - 1, Math.floor(fraction * kept))];
  }
}
