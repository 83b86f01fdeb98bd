import { QuarryError } from '../errors/index.js';

/** The shape of a V1 model. Sequence length, batch size and the SIGReg numbers are fixed by the architecture. */
export interface ModelConfig {
  /** Width of the hidden state and of an embedding (E). */
  readonly embeddingDim: number;
  /** Attention heads (A); `embeddingDim / numHeads` is the head width and must be even. */
  readonly numHeads: number;
  /** Encoder layers (L). */
  readonly numLayers: number;
  /** Width of the feed-forward hidden layer (H). */
  readonly hiddenDim: number;
  /** Vocabulary: 256 bytes, PAD, EOS and unused specials (V). */
  readonly vocabSize: number;
  /** Tokens per chunk (T). 1024, except in the upstream test vectors, which use 8. */
  readonly sequenceLength: number;
  /** Chunks per batch. 16, except in the upstream test vectors, which use 2. */
  readonly batchSize: number;
}

const SHARED = { vocabSize: 264, sequenceLength: 1024, batchSize: 16 } as const;

/**
 * Named configurations. `small` and `v1` are the network's. `medium` is ours, for tests: large enough to exercise the
 * kernels, small enough for the reference engine.
 */
export const MODEL_CONFIGS = {
  small: { ...SHARED, embeddingDim: 16, numHeads: 4, numLayers: 2, hiddenDim: 32 },
  medium: { ...SHARED, embeddingDim: 256, numHeads: 4, numLayers: 4, hiddenDim: 1024 },
  v1: { ...SHARED, embeddingDim: 2048, numHeads: 8, numLayers: 24, hiddenDim: 8192 },
} as const satisfies Record<string, ModelConfig>;

/** A name in {@link MODEL_CONFIGS}. */
export type ModelConfigName = keyof typeof MODEL_CONFIGS;

/** Fills up a chunk. Tokens 0 to 255 are the bytes. */
export const PAD_TOKEN = 256;
/** Marks the end of the data in a chunk that is not full. */
export const EOS_TOKEN = 257;

/** LayerNorm's epsilon, inside the root. */
export const LAYER_NORM_EPSILON = 1e-5;

/**
 * Checks that a configuration is valid.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a number is not a positive integer, the heads do not divide the width
 * into even parts, or the vocabulary lacks PAD and EOS
 */
export function assertModelConfig(config: ModelConfig): void {
  for (const [field, value] of Object.entries(config)) {
    const least = field === 'numLayers' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new QuarryError('INVALID_ARGUMENT', `"${field}" expected a positive integer, got ${value}`);
    }
  }
  if (config.embeddingDim % (2 * config.numHeads) !== 0) {
    throw new QuarryError('INVALID_ARGUMENT', '"embeddingDim" must be an even multiple of "numHeads"', {
      details: { embeddingDim: config.embeddingDim, numHeads: config.numHeads },
    });
  }
  if (config.vocabSize <= EOS_TOKEN) {
    throw new QuarryError('INVALID_ARGUMENT', `"vocabSize" must be over ${EOS_TOKEN}, got ${config.vocabSize}`);
  }
}
