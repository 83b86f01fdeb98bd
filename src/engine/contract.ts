import type { WeightsManifest } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsFile } from '../weights/weights-file.js';
import type { WeightsPacking } from '../weights/weights-packing.js';

/** Number format of the matrix products. Accumulation, residuals, norms and losses are f32 in all of them. */
export type Precision = 'f32' | 'bf16' | 'f16';

/** Score of a sample under a model. */
export interface Score {
  /** Mean batch loss: cross-entropy + 0.02 SIGReg. */
  readonly loss: number;
  /** The sample's embedding, `[embeddingDim]`. */
  readonly embedding: Float32Array;
  /** The number format that produced both. */
  readonly precision: Precision;
}

/** Options of {@link LoadedModel.score}. */
export interface ScoreOptions {
  /** Seed of the SIGReg noise; batch k uses `seed + k`. Default 0, which is what auditors use. */
  readonly seed?: bigint | undefined;
  /** `f32` forces full precision, for settling a near-tie. Default: the engine's own precision. */
  readonly precision?: 'f32' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link LoadedModel.byteGradient}. */
export interface GradientOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The goal of a {@link LoadedModel.mixtureGradient}: `cosine - lossWeight * crossEntropy`. */
export interface MixtureGoal {
  /** `[embeddingDim]`, not zero. */
  readonly target: Float32Array;
  readonly lossWeight: number;
}

/** A gradient over a chunk whose positions are mixtures of bytes. */
export interface MixtureGradient {
  /** Of the goal with respect to the mixture, `[sequenceLength, 256]`. */
  readonly gradient: Float32Array;
  /** Of the chunk's embedding and the target. */
  readonly cosine: number;
  /** As in a loss: summed over the predicted positions, whose labels are the mixtures, and divided by all. */
  readonly crossEntropy: number;
}

/** Largest deviation of an engine's numbers from the f32 reference. */
export interface ErrorBound {
  /** Absolute error of the loss. */
  readonly loss: number;
  /** Absolute error of the embedding's cosine distance to any target. */
  readonly distance: number;
}

/** A model ready to score. Holds device memory until closed. */
export interface LoadedModel {
  readonly config: ModelConfig;
  /** Measured at load against f32 on calibration samples. Zero for engines that compute in f32. */
  readonly errorBound: ErrorBound;
  /** Human-readable reason why the model is scored in another format than the engine's default; absent if it is not. */
  readonly note?: string | undefined;
  /**
   * Scores whole samples, in order.
   *
   * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
   * @throws QuarryError `ABORTED` when the signal fires
   */
  score(samples: readonly Uint8Array[], options?: ScoreOptions): Promise<Score[]>;
  /**
   * The gradient of `direction . embedding` with respect to a sample's bytes as one-hot rows, `[bytes, 256]`: changing
   * byte i from a to b changes the product by about `[i, b] - [i, a]`. Absent if the engine has no backward pass.
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
   * The gradient of a {@link MixtureGoal} over one full chunk whose positions are mixtures of byte values: their
   * embeddings are the mixtures of the bytes' embeddings. Present where `byteGradient` is.
   *
   * @param mixture `[sequenceLength, 256]`, each row a distribution over byte values
   * @throws QuarryError `INVALID_ARGUMENT` when the mixture has another length or the target another width
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly mixtureGradient?:
    | ((mixture: Float32Array, goal: MixtureGoal, options?: GradientOptions) => Promise<MixtureGradient>)
    | undefined;
  /**
   * Scores one sample on this machine in f32. Present only if `score` uses other machines.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  readonly confirm?: ((sample: Uint8Array, options?: GradientOptions) => Promise<Score>) | undefined;
  /** Frees the memory once pending calls are done. */
  close(): Promise<void>;
}

/** Options of {@link ScoringEngine.load}. */
export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when scores returned earlier turn out to be untrustworthy, with the BLAKE2b-256 of their samples. */
  readonly onWithdrawn?: ((checksums: readonly Uint8Array[]) => void) | undefined;
  /** Manifest of the published weights, from which engines on other machines download them. */
  readonly published?: WeightsManifest | undefined;
}

/** Computes losses and embeddings. One per device. */
export interface ScoringEngine {
  readonly name: string;
  readonly device: string;
  readonly precision: Precision;
  /**
   * Samples that it scores side by side, so that a caller who waits for few of a slow model's scores knows how many keep it
   * busy. Absent where that is not known.
   */
  readonly parallel?: number | undefined;
  /** @throws QuarryError `WEIGHTS_INVALID` when the file does not fit `config` */
  load(weights: WeightsFile, config: ModelConfig, options?: LoadOptions): Promise<LoadedModel>;
  /** How to pack weights while they are downloaded, which speeds up `load`; absent if the engine packs nothing. */
  packing?(config: ModelConfig): WeightsPacking | undefined;
  /** Ends threads and processes, and closes all loaded models. */
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

/** Options of {@link DistanceEngine.scan}. */
export interface ScanOptions {
  /**
   * `all` reports every hit; `first` stops at the first hit of each target in row order; `closest` reports the
   * `limit` nearest hits of each target, nearest first.
   */
  readonly mode: 'all' | 'first' | 'closest';
  /** Hits per target in mode `closest`. Default 1. */
  readonly limit?: number | undefined;
  /** Subtracted from every threshold. Default 0. */
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
   * Returns hits ordered by target, then by row (`all`, `first`) or by distance (`closest`). Rows and targets that are
   * zero or not finite never hit.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when shapes disagree
   * @throws QuarryError `ABORTED` when the signal fires
   */
  scan(rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): Promise<Hit[]>;
  /** Frees device memory and ends threads. */
  close(): Promise<void>;
}
