import type { WeightsManifest } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsFile } from '../weights/weights-file.js';
import type { WeightsPacking } from '../weights/weights-packing.js';

/** Number format of the matrix products. Accumulation, residuals, norms and losses are f32 in all of them. */
export type Precision = 'f32' | 'bf16' | 'f16';

/** What a model makes of one sample. */
export interface Score {
  /** Mean batch loss: cross-entropy + 0.02 SIGReg. */
  readonly loss: number;
  /** The sample's embedding, `[embeddingDim]`. */
  readonly embedding: Float32Array;
  /** The number format that produced both. */
  readonly precision: Precision;
}

/** How samples are scored. */
export interface ScoreOptions {
  /** Seed of the SIGReg noise; batch k uses `seed + k`. Default 0, which is what auditors use. */
  readonly seed?: bigint | undefined;
  /** `f32` forces full precision, for settling a near-tie. Default: the engine's own precision. */
  readonly precision?: 'f32' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a gradient is computed. */
export interface GradientOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How far an engine's numbers may lie from the f32 reference. */
export interface ErrorBound {
  /** Absolute, on the loss. */
  readonly loss: number;
  /** Absolute, on the cosine distance of the embedding to any target. */
  readonly distance: number;
}

/** A model ready to score. Holds device memory until closed. */
export interface LoadedModel {
  readonly config: ModelConfig;
  /** Measured at load against f32 on a calibration sample. Zero for an engine that computes in f32. */
  readonly errorBound: ErrorBound;
  /** For people: why the model is scored in another format than the engine's own. Absent where it is not. */
  readonly note?: string | undefined;
  /**
   * Scores whole samples, in order.
   *
   * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
   * @throws QuarryError `ABORTED` when the signal fires
   */
  score(samples: readonly Uint8Array[], options?: ScoreOptions): Promise<Score[]>;
  /**
   * The gradient of `direction . embedding` with respect to a sample's bytes as one-hot rows, `[bytes, 256]`: turning byte
   * i from a into b changes the product by about `[i, b] - [i, a]`. Absent where the engine has no backward pass.
   *
   * @param direction `[embeddingDim]`
   * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
   * @throws QuarryError `INVALID_ARGUMENT` when the direction has another width
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly byteGradient?:
    | ((sample: Uint8Array, direction: Float32Array, options?: GradientOptions) => Promise<Float32Array>)
    | undefined;
  /**
   * Scores one sample on this machine in f32, where `score` asks others; absent where it does not.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly confirm?: ((sample: Uint8Array, options?: GradientOptions) => Promise<Score>) | undefined;
  /** Frees its memory, once no call is under way. */
  close(): Promise<void>;
}

/** What an engine may want to know of the weights it loads. */
export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with scores that were given out and are not to be trusted, by BLAKE2b-256 of their samples. */
  readonly onWithdrawn?: ((checksums: readonly Uint8Array[]) => void) | undefined;
  /** Where the weights were published: engines on other machines fetch them there. */
  readonly published?: WeightsManifest | undefined;
}

/** Computes losses and embeddings. One per device. */
export interface ScoringEngine {
  readonly name: string;
  readonly device: string;
  readonly precision: Precision;
  /** @throws QuarryError `WEIGHTS_INVALID` when the file does not fit `config` */
  load(weights: WeightsFile, config: ModelConfig, options?: LoadOptions): Promise<LoadedModel>;
  /** How weights may be packed while they are downloaded, so that `load` need not; absent where nothing is packed. */
  packing?(config: ModelConfig): WeightsPacking | undefined;
  /** Ends its threads or processes, and every model loaded. */
  close(): Promise<void>;
}

/** Embeddings to search, row-major `[rows, dim]`: f32, or bf16 as the high halves of f32. */
export interface EmbeddingRows {
  readonly data: Float32Array | Uint16Array;
  readonly rows: number;
  readonly dim: number;
}

/** Targets to search for, row-major `[targets, dim]`, with one distance threshold each. */
export interface TargetMatrix {
  readonly data: Float32Array;
  /** `[targets]`; a row hits when its distance is less than or equal to it. */
  readonly thresholds: Float32Array;
  readonly targets: number;
  readonly dim: number;
}

/** Which hits are reported. */
export interface ScanOptions {
  /**
   * `all` reports every hit; `first` stops at the first hit of each target in row order; `closest` reports the
   * `limit` nearest hits of each target, nearest first.
   */
  readonly mode: 'all' | 'first' | 'closest';
  /** Hits per target in mode `closest`. Default 1. */
  readonly limit?: number | undefined;
  /** Subtracted from every threshold: a hit must be this much inside. Default 0. */
  readonly margin?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A row inside a target's threshold. `distance` is computed in f32 from the row given. */
export interface Hit {
  readonly row: number;
  readonly target: number;
  readonly distance: number;
}

/** Computes cosine distances, `1 - cos(row, target)`. */
export interface DistanceEngine {
  readonly name: string;
  readonly device: string;
  /**
   * Hits ordered by target, then by row (`all`, `first`) or by distance (`closest`). Rows or targets that are zero or
   * not finite never hit.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when shapes disagree
   * @throws QuarryError `ABORTED` when the signal fires
   */
  scan(rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): Promise<Hit[]>;
  /** Frees device memory and ends its threads. */
  close(): Promise<void>;
}
