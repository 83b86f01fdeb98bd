import { existsSync } from 'node:fs';
import path from 'node:path';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { generateWeightsBytes } from '../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../src/weights/safetensors.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import { ScoreCache } from './score-cache.js';

export type ReachConfig = 'medium' | 'medium-trained' | 'three-medium-trained' | 'v1-two-layers';

/** A model of a case, opened when it is scored with. */
export interface ReachModel {
  readonly name: string;
  open(): Promise<WeightsFile>;
}

/** Models that compete with each other on every target of a case. */
export interface ReachModels {
  readonly config: ReachConfig;
  readonly shape: ModelConfig;
  readonly models: readonly ReachModel[];
  /** Why the case does not run. */
  readonly skipped?: string | undefined;
}

const TRAINED = [1, 2, 3].map((seed) => `medium-trained-${seed}`);

/**
 * The medium model with random weights, the trained ones of a folder, alone and competing, and V1 with two layers.
 *
 * @param directory folder of the trained models
 */
export function reachModels(directory: string | undefined): ReachModels[] {
  const fileOf = (name: string): string => path.join(directory ?? '', `${name}.safetensors`);
  const trained = (config: ReachConfig, names: readonly string[]): ReachModels => {
    const absent = directory === undefined ? names[0] : names.find((name) => !existsSync(fileOf(name)));
    const models = names.map((name) => ({ name, open: () => openSafetensors(fileOf(name)) }));
    const where = directory === undefined ? 'no --models-dir was given' : `${directory} has none`;
    const skipped = absent === undefined ? undefined : `${absent}.safetensors: ${where}`;
    return { config, shape: MODEL_CONFIGS.medium, models, skipped };
  };
  return [
    random('medium', MODEL_CONFIGS.medium),
    trained('medium-trained', TRAINED.slice(0, 1)),
    trained('three-medium-trained', TRAINED),
    random('v1-two-layers', { ...MODEL_CONFIGS.v1, numLayers: 2 }),
  ];
}

function random(config: ReachConfig, shape: ModelConfig): ReachModels {
  return { config, shape, models: [randomModel(config, shape, 1n)] };
}

/** A model with random weights of the seed. */
export function randomModel(name: string, shape: ModelConfig, seed: bigint): ReachModel {
  const open = async (): Promise<WeightsFile> => safetensorsFromBytes(generateWeightsBytes(shape, seed));
  return { name: `${name}-random-${seed}`, open };
}

/** Loads models that compete with each other into an engine. */
export async function loadModels<M>(
  engine: { load(weights: WeightsFile, shape: ModelConfig): Promise<M> },
  { models, shape }: Pick<ReachModels, 'models' | 'shape'>,
): Promise<M[]> {
  const loaded: M[] = [];
  for (const { open } of models) {
    const weights = await open();
    loaded.push(await engine.load(weights, shape));
    await weights.close();
  }
  return loaded;
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
 * @param directory where scores are kept for a later run
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built
 */
export async function scoreChunks(
  { name, open }: ReachModel,
  shape: ModelConfig,
  chunks: readonly Uint8Array[],
  { directory, signal }: { readonly directory?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ChunkScores> {
  const dim = shape.embeddingDim;
  const cache = directory === undefined ? undefined : new ScoreCache(directory, name, dim);
  const embeddings = new Float32Array(chunks.length * dim);
  const losses = new Float64Array(chunks.length);
  const missing: number[] = [];
  for (const [i, chunk] of chunks.entries()) {
    const known = cache?.get(chunk);
    if (known === undefined) missing.push(i);
    else {
      embeddings.set(known.embedding, i * dim);
      losses[i] = known.loss;
    }
  }
  if (missing.length === 0) return { losses, embeddings };
  const weights = await open();
  const model = await createNativeScoringEngine({ precision: 'f32' }).load(weights, shape);
  try {
    for (let first = 0; first < missing.length; first += 16) {
      const batch = missing.slice(first, first + 16);
      const samples = batch.map((i) => chunks[i]!);
      const scores = await model.score(samples, { signal });
      for (const [at, score] of scores.entries()) {
        embeddings.set(score.embedding, batch[at]! * dim);
        losses[batch[at]!] = score.loss;
        cache?.add(samples[at]!, score);
      }
    }
    return { losses, embeddings };
  } finally {
    await model.close();
    await weights.close();
  }
}
