import { QuarryError } from '../../errors/index.js';
import type { Target } from '../../soma/client/decode/target.js';
import { modelKeyOf } from '../model-key-of.js';
import { openNetworkStore } from '../network-store.js';
import type { SomaSession } from '../soma-session.js';

/** A stored sample close to a target. */
export interface StoredCandidate {
  /** BLAKE2b-256 of its bytes, hex. */
  readonly checksum: string;
  readonly origin: string;
  /** Distance under the winning model. */
  readonly distance: number;
  readonly modelId: string;
  readonly isHit: boolean;
}

/** Maximum candidates per target. */
const MOST = 5;
/** Beyond any possible distance, so that misses are listed, too. */
const ANY_DISTANCE = 3;

/**
 * The stored samples closest to targets, by target id, from the current store, which a miner may be writing to. Targets
 * whose models are no longer active have none.
 */
export async function storedCandidates(
  { client, context, config, signal }: SomaSession,
  targets: readonly Target[],
): Promise<ReadonlyMap<string, readonly StoredCandidate[]>> {
  const found = new Map<string, StoredCandidate[]>();
  const keys = new Map((await client.getActiveModels({ signal })).map((model) => [model.id, modelKeyOf(model)]));
  const store = await openNetworkStore(context, config, { readonly: true }).catch((error: unknown) => {
    if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  });
  if (store === undefined) return found;
  try {
    for (const { id, modelIds, embedding, distanceThreshold } of targets) {
      const models = modelIds.flatMap((modelId) => keys.get(modelId) ?? []);
      if (models.length < modelIds.length || embedding.length !== store.embeddingDim) continue;
      const wanted = { id, models, embedding, threshold: ANY_DISTANCE };
      const hits = await store.match([wanted], { pick: 'closest', limit: MOST, signal });
      const candidates = hits.map(({ sampleId, distance, winner }): StoredCandidate => {
        const { checksum, origin } = store.sample(sampleId);
        const isHit = distance <= distanceThreshold;
        return { checksum: Buffer.from(checksum).toString('hex'), origin, distance, modelId: modelIds[winner]!, isHit };
      });
      found.set(id, candidates);
    }
    return found;
  } finally {
    await store.close();
  }
}
