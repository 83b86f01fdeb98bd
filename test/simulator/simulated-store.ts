import { blake2b256 } from '../../src/soma/chain/index.js';
import type { MatchHit, MatchTarget, Store, StoredSample } from '../../src/store/index.js';

const SAMPLES = 16;
const DIM = 16;

/** A store of a few samples, of which every target is hit by one, after some time. */
export function simulatedStore(random: () => number, think: (ms: number) => Promise<void>): Store {
  const samples = Array.from({ length: SAMPLES }, (_, id): StoredSample => {
    const bytes = new Uint8Array(64).fill(id + 1);
    return { id, bytes, checksum: blake2b256(bytes), origin: `sample ${id}` };
  });
  const score = { loss: 1, embedding: new Float32Array(DIM).fill(0.25), precision: 'f32' as const };
  const match = async (
    wanted: readonly MatchTarget[],
    policy: Parameters<Store['match']>[1] = {},
  ): Promise<MatchHit[]> => {
    await think(random() * 50);
    return wanted.flatMap(({ id: targetId, models }) => {
      const sampleId = Math.floor(random() * SAMPLES);
      const winner = Math.floor(random() * models.length);
      const model = models[winner];
      if (model === undefined || policy.exclude?.(targetId)?.has(sampleId) || random() < 0.2) return [];
      return [{ targetId, sampleId, distance: 0.1, winner, model, loss: 1, sizeBytes: 64, nearTie: false }];
    });
  };
  const store: Partial<Record<keyof Store, unknown>> = {
    sampleCount: SAMPLES,
    models: [],
    sample: (id: number) => samples[id],
    sampleSize: () => 64,
    find: (checksum: Uint8Array) => samples.find((each) => Buffer.compare(each.checksum, checksum) === 0)?.id,
    score: () => score,
    unscored: () => [],
    suspects: () => ({ lookAlikes: [], neverFinite: [] }),
    appendSamples: async () => [],
    appendScores: async () => {},
    match,
    matchSamples: match,
  };
  return store as unknown as Store;
}
