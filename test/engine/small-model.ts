import type { ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { v1Tensors } from '../../src/weights/v1-layout.js';
import type { WeightsFile } from '../../src/weights/weights-file.js';
import { type DataSpec, runnerWeights, vectors } from './vectors.js';

/** An end-to-end golden. */
export interface RunnerCase {
  name: string;
  config: {
    embedding_dim: number;
    pwff_hidden_dim: number;
    num_layers: number;
    num_heads: number;
    vocab_size: number;
  };
  runner: { max_seq_len: number; batch_size: number };
  data: DataSpec;
  weights_seed: number;
  seed: number;
  loss: number;
  embedding: number[];
  batches: { noise_seed: number; cross_entropy: number; sig_reg: number; loss: number }[];
}

export const RUNNER_GOLDENS = vectors<{
  recommended_tolerance: { relative: number; absolute: number };
  cases: RunnerCase[];
}>('soma-derived/model-runner');

export function configOf({ config, runner }: Pick<RunnerCase, 'config' | 'runner'>): ModelConfig {
  return {
    embeddingDim: config.embedding_dim,
    hiddenDim: config.pwff_hidden_dim,
    numLayers: config.num_layers,
    numHeads: config.num_heads,
    vocabSize: config.vocab_size,
    sequenceLength: runner.max_seq_len,
    batchSize: runner.batch_size,
  };
}

/** A weight file in memory with upstream's test weights. */
export function runnerFile(config: ModelConfig, seed: number): Uint8Array {
  return encodeSafetensors(runnerWeights(v1Tensors(config), seed));
}

export function runnerWeightsFile(config: ModelConfig, seed: number): WeightsFile {
  return safetensorsFromBytes(runnerFile(config, seed));
}
