/**
 * An unweighted running mean of equally long vectors in f32: `m_k = m_(k-1) + (x_k - m_(k-1)) / k` (upstream
 * `models/src/running_mean.rs`). A partial last batch weighs as much as a full one.
 */
export class RunningMean {
  #mean: Float32Array | undefined;
  #count = 0;

  add(values: ArrayLike<number>): void {
    this.#count++;
    if (this.#mean === undefined) {
      this.#mean = Float32Array.from(values);
      return;
    }
    const mean = this.#mean;
    for (let i = 0; i < mean.length; i++) {
      const step = Math.fround(Math.fround(Math.fround(values[i]!) - mean[i]!) / this.#count);
      mean[i] = mean[i]! + step;
    }
  }

  /** The mean so far; undefined if nothing was added. */
  get value(): Float32Array | undefined {
    return this.#mean?.slice();
  }
}
