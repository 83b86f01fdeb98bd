import { join } from 'node:path';
import { chooseEngine } from '../engine/choose-engine.js';
import type { Score, ScoringEngine } from '../engine/contract.js';
import { cosineDistance, selectBest } from '../engine/reference/index.js';
import { QuarryError } from '../errors/index.js';
import { STATE_ENTRIES } from '../miner/state/state-entries.js';
import type { ModelManifest } from '../soma/client/decode/index.js';
import type { Target } from '../soma/client/decode/target.js';
import { MODEL_CONFIGS, type ModelConfig } from '../weights/model-config.js';
import { WeightsCache } from '../weights/weights-cache.js';
import type { LiveArea } from './live-area.js';
import { engineOptions } from './mining/miner-settings.js';
import type { SomaSession } from './soma-session.js';
import { speedFileOf } from './state-dir.js';

/** A sample's score for a target. */
export interface TargetScore {
  /** The model with the lowest loss. */
  readonly modelId: string;
  readonly loss: number;
  readonly embedding: Float32Array;
  /** Of the winner's embedding to the target. */
  readonly distance: number;
  /** In the order of the target's models. */
  readonly losses: readonly number[];
  readonly engine: string;
}

/**
 * Scores a sample under all models of a target, in full precision, fetching weights that are not cached.
 *
 * @throws QuarryError `FAILED_PRECONDITION` when a model of the target has no key or weights
 * @throws QuarryError `CONFIG_MISSING` when no known shape has the target's embedding width
 */
export async function scoreForTarget(
  session: SomaSession,
  target: Target,
  sample: Uint8Array,
  live: LiveArea,
): Promise<TargetScore> {
  const { client, config, signal, stateDir } = session;
  const shape = Object.values(MODEL_CONFIGS).find(({ embeddingDim }) => embeddingDim === target.embedding.length);
  if (shape === undefined) {
    throw new QuarryError('CONFIG_MISSING', `no known model has embeddings of ${target.embedding.length} values`);
  }
  const manifests = (await client.getModelManifests(target, { signal })).map((manifest, index) => {
    if (manifest?.decryptionKey !== undefined) return { ...manifest, decryptionKey: manifest.decryptionKey };
    throw new QuarryError('FAILED_PRECONDITION', `model ${target.modelIds[index]} has published no weights or key`, {
      hint: 'choose another target',
    });
  });
  const chosen = await chooseEngine(
    {
      ...engineOptions(config),
      cacheDir: join(stateDir, STATE_ENTRIES.packed),
      speedFile: speedFileOf(config, session.context.env),
      signal,
    },
    shape,
  );
  try {
    const cache = new WeightsCache(
      { dir: join(stateDir, STATE_ENTRIES.weights) },
      { http: client.context.manifestHttp },
    );
    const deps = { engine: chosen.engine, cache, shape, live };
    const scores: Score[] = [];
    // One at a time: production weights fill most machines' memory.
    for (const manifest of manifests) scores.push(await scoreUnder(session, deps, manifest, sample));
    const losses = scores.map(({ loss }) => loss);
    const best = selectBest(losses) ?? 0;
    const winner = scores[best];
    if (winner === undefined) throw new QuarryError('PROTOCOL', `target ${target.id} names no models`);
    const { loss, embedding } = winner;
    const distance = cosineDistance(embedding, target.embedding);
    return { modelId: target.modelIds[best] ?? '', loss, embedding, distance, losses, engine: chosen.name };
  } finally {
    await chosen.engine.close();
  }
}

interface ScoringDeps {
  readonly engine: ScoringEngine;
  readonly cache: WeightsCache;
  readonly shape: ModelConfig;
  readonly live: LiveArea;
}

/** Fetches and loads the weights of one model, and scores the sample. */
async function scoreUnder(
  { client, signal }: SomaSession,
  deps: ScoringDeps,
  manifest: ModelManifest & { readonly decryptionKey: Uint8Array },
  sample: Uint8Array,
): Promise<Score> {
  const { engine, cache, shape, live } = deps;
  const checksum = Buffer.from(manifest.checksum).toString('hex');
  const sizeBytes = Number(manifest.size);
  const packing = engine.packing?.(shape);
  const bar = live.bar(`weights ${manifest.modelId.slice(0, 10)}`, sizeBytes);
  const weights = await cache
    .open(
      { url: manifest.url, checksum, sizeBytes, decryptionKey: manifest.decryptionKey },
      {
        signal,
        fallbacks: client.modelProxies(manifest.modelId),
        onProgress: (received) => bar.update(received),
        packing,
      },
    )
    .finally(() => bar.end());
  try {
    const model = await engine.load(weights, shape, { signal });
    try {
      const [score] = await model.score([sample], { precision: 'f32', signal });
      if (score === undefined) throw new QuarryError('ENGINE_FAILED', 'the engine returned no score');
      return score;
    } finally {
      await model.close();
    }
  } finally {
    await weights.close();
  }
}
