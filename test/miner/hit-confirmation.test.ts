import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoadedModel } from '../../src/engine/index.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import type { Candidate } from '../../src/miner/match/candidate.js';
import { HitConfirmation } from '../../src/miner/submit/hit-confirmation.js';
import { openStore, type Store } from '../../src/store/index.js';
import { generateWeights } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';

const key = { architecture: 'v1', checksum: 'a'.repeat(64) };
const bytes = new TextEncoder().encode('a sample that a scorer says fits');
const never = new AbortController().signal;
let dir: string;
let store: Store;
let model: LoadedModel;
let confirmations = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-confirm-'));
  const path = join(dir, 'model.safetensors');
  await generateWeights(MODEL_CONFIGS.small, 1n, path);
  const file = await openSafetensors(path, { checksum: key.checksum });
  model = await createJsEngine().load(file, MODEL_CONFIGS.small);
  await file.close();
  store = await openStore({ dir: join(dir, 'store'), embeddingDim: 16, durability: 'process' });
  await store.appendSamples([{ bytes }]);
});
afterAll(async () => {
  await model.close();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

function confirmation(aboveShannons: bigint): HitConfirmation {
  const confirm = async (sample: Uint8Array): ReturnType<NonNullable<LoadedModel['confirm']>> => {
    confirmations++;
    return (await model.score([sample], { precision: 'f32' }))[0]!;
  };
  const models = {
    get: (id: string) => ({ id, key, manifest: undefined as never }),
    loaded: () => ({ ...model, confirm }),
  };
  return new HitConfirmation({ aboveShannons }, { models, store, guard: { bondOf: (size) => BigInt(size) * 10n } });
}

async function candidate(distanceThreshold: number): Promise<Candidate> {
  const [score] = await model.score([bytes]);
  const target = {
    id: 'target',
    modelIds: ['a'],
    embedding: score!.embedding.map((value) => value),
    distanceThreshold,
  };
  return { open: { target }, sampleId: 0, sizeBytes: bytes.length, modelId: 'a' } as unknown as Candidate;
}

it('scores a hit again before a bond above the limit is paid, once, and keeps what it finds', async () => {
  const confirming = confirmation(100n);
  const hit = await candidate(0.01);
  await confirming.assertHit(hit, never);
  await confirming.assertHit(hit, never);
  expect(confirmations).toBe(1);
  expect(store.score(0, key)?.precision).toBe('f32');
});

it('refuses what a scorer made up', async () => {
  await expect(confirmation(100n).assertHit(await candidate(-1), never)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    details: { sampleId: 0 },
  });
});

it('pays small bonds without a second look', async () => {
  const before = confirmations;
  await confirmation(1_000_000n).assertHit(await candidate(-1), never);
  expect(confirmations).toBe(before);
});

it('remembers the latest of those it confirmed, and no more', async () => {
  const hit = await candidate(0.01);
  const [score] = await model.score([bytes]);
  const confirm = async () => {
    confirmations++;
    return { ...score!, precision: 'f32' } as const;
  };
  const models = {
    get: (id: string) => ({ id, key, manifest: undefined as never }),
    loaded: () => ({ ...model, confirm }),
  };
  const guard = { bondOf: (size: number) => BigInt(size) * 10n };
  const confirmingAll = new HitConfirmation(
    { aboveShannons: 100n },
    { models, store: { sample: () => store.sample(0), appendScores: async () => {} }, guard },
  );
  for (let sampleId = 0; sampleId <= 5_000; sampleId++) await confirmingAll.assertHit({ ...hit, sampleId }, never);
  const before = confirmations;
  await confirmingAll.assertHit({ ...hit, sampleId: 5_000 }, never);
  expect(confirmations).toBe(before);
  await confirmingAll.assertHit({ ...hit, sampleId: 0 }, never);
  expect(confirmations).toBe(before + 1);
});
