import type { Hit, ScanOptions, TargetMatrix } from './contract.js';

/** Collects hits according to a scan's mode. Engines offer final distances, in ascending row order per target. */
export class HitCollector {
  readonly #mode: ScanOptions['mode'];
  readonly #keep: number;
  readonly #limits: Float64Array;
  readonly #hits: Hit[][];
  #open: number;

  constructor(targets: TargetMatrix, options: ScanOptions) {
    const margin = options.margin ?? 0;
    this.#mode = options.mode;
    this.#keep = options.mode === 'closest' ? (options.limit ?? 1) : Number.POSITIVE_INFINITY;
    this.#limits = Float64Array.from(targets.thresholds, (threshold) => threshold - margin);
    this.#hits = Array.from(this.#limits, () => []);
    this.#open = targets.targets;
  }

  /** Whether no further row can change the result. */
  get done(): boolean {
    return this.#open === 0;
  }

  /**
   * The largest distance that still matters for a target: its threshold less the margin; with `closest`, the worst hit
   * kept once there are enough; with `first`, minus infinity once there is a hit.
   */
  limit(target: number): number {
    return this.#limits[target]!;
  }

  /** Offers a row. Ignores distances above {@link limit} and NaN. */
  offer(row: number, target: number, distance: number): void {
    if (!(distance <= this.#limits[target]!)) return;
    const hits = this.#hits[target]!;
    if (this.#mode !== 'closest') {
      hits.push({ row, target, distance });
      if (this.#mode === 'first') {
        this.#limits[target] = Number.NEGATIVE_INFINITY;
        this.#open--;
      }
      return;
    }
    // Equal distances stay in row order; a later row never displaces an equal earlier one.
    let at = hits.length;
    while (at > 0 && hits[at - 1]!.distance > distance) at--;
    if (at >= this.#keep) return;
    hits.splice(at, 0, { row, target, distance });
    if (hits.length > this.#keep) hits.pop();
    if (hits.length === this.#keep) this.#limits[target] = Math.min(this.#limits[target]!, hits.at(-1)!.distance);
  }

  /** The hits, ordered by target, then by row or, for `closest`, by distance. */
  hits(): Hit[] {
    return this.#hits.flat();
  }
}
