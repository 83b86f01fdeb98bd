import { batchProjection, SIG_REG } from '../reference/sig-reg.js';

/** Cache size, bytes: all 64 projections that seed 0 ever needs at the full width of 2048. */
const MAX_BYTES = 64 * 2048 * SIG_REG.slices * 4;

/** Caches SIGReg projections, which depend only on seed and width; auditors always start at seed 0. */
export class ProjectionCache {
  readonly #entries = new Map<string, Float32Array>();
  #bytes = 0;

  /** The normalised projection of a noise seed, `[embeddingDim, 256]`. */
  get(seed: bigint, embeddingDim: number): Float32Array {
    const key = `${embeddingDim}:${BigInt.asUintN(64, seed)}`;
    let projection = this.#entries.get(key);
    if (projection === undefined) {
      projection = batchProjection(seed, embeddingDim);
      this.#bytes += projection.byteLength;
      this.#entries.set(key, projection);
      // Map iteration is in insertion order: evict the oldest first.
      for (const [oldest, entry] of this.#entries) {
        if (this.#bytes <= MAX_BYTES || oldest === key) break;
        this.#entries.delete(oldest);
        this.#bytes -= entry.byteLength;
      }
    }
    return projection;
  }
}
