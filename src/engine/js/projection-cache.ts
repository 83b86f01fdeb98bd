import { batchProjection, SIG_REG } from '../reference/sig-reg.js';

/** Memory the cache may hold, bytes: all 64 projections that seed 0 ever needs at the full width of 2048. */
const MAX_BYTES = 64 * 2048 * SIG_REG.slices * 4;

/** Keeps SIGReg projections: they depend on seed and width only, and auditors always start at seed 0. */
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
      // A map iterates in order of insertion: the oldest goes first.
      for (const [oldest, entry] of this.#entries) {
        if (this.#bytes <= MAX_BYTES || oldest === key) break;
        this.#entries.delete(oldest);
        this.#bytes -= entry.byteLength;
      }
    }
    return projection;
  }
}
