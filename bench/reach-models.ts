import { existsSync } from 'node:fs';
import path from 'node:path';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { generateWeightsBytes } from '../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../src/weights/safetensors.js';
import type { WeightsFile } from '../src/weights/weights-file.js';

/** Models that compete with each other on every target of a case. */
export interface ReachModels {
  readonly config: 'medium' | 'medium-trained' | 'three-medium-trained';
  readonly shape: ModelConfig;
  open(): Promise<WeightsFile[]>;
}

const TRAINED = [1, 2, 3].map((seed) => `medium-trained-${seed}.safetensors`);

/** The random medium model, and the trained ones that lie in `directory`, alone and competing. */
export function reachModels(directory: string | undefined): ReachModels[] {
  const shape = MODEL_CONFIGS.medium;
  const random: ReachModels = {
    config: 'medium',
    shape,
    open: async () => [safetensorsFromBytes(generateWeightsBytes(shape, 1n))],
  };
  const files = directory === undefined ? [] : TRAINED.map((name) => path.join(directory, name)).filter(existsSync);
  const trained = (config: ReachModels['config'], count: number): ReachModels => ({
    config,
    shape,
    open: () => Promise.all(files.slice(0, count).map((file) => openSafetensors(file))),
  });
  return [
    random,
    ...(files.length > 0 ? [trained('medium-trained', 1)] : []),
    ...(files.length === TRAINED.length ? [trained('three-medium-trained', 3)] : []),
  ];
}

/** Scores of chunks under a model. */
export interface ChunkScores {
  readonly losses: Float64Array;
  /** `[chunks, dim]` */
  readonly embeddings: Float32Array;
}

/**
 * Scores chunks in f32 with the native core.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built
 */
export async function scoreChunks(
  weights: WeightsFile,
  shape: ModelConfig,
  chunks: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<ChunkScores> {
  const dim = shape.embeddingDim;
  const model = await createNativeScoringEngine({ precision: 'f32' }).load(weights, shape);
  const embeddings = new Float32Array(chunks.length * dim);
  const losses = new Float64Array(chunks.length);
  try {
    for (let first = 0; first < chunks.length; first += 16) {
      const scores = await model.score(chunks.slice(first, first + 16), signal === undefined ? {} : { signal });
      for (const [i, { embedding, loss }] of scores.entries()) {
        embeddings.set(embedding, (first + i) * dim);
        losses[first + i] = loss;
      }
    }
    return { losses, embeddings };
  } finally {
    await model.close();
  }
}
