import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../src/store/model-file.js';
import { modelKeyId } from '../../src/store/model-key.js';
import { A, B, opened, sampleBytes, temporaryDir } from './fixtures.js';

/** A store whose one model has one score. */
async function scored(): Promise<{ dir: string; scores: string; file: string }> {
  const dir = temporaryDir();
  const store = await opened({ dir });
  await store.appendSamples([{ bytes: sampleBytes(0) }]);
  const row = { sampleId: 0, loss: 1.5, embedding: Float32Array.of(1, 0, 0, 0), precision: 'f32' as const };
  await store.appendScores(A, [row]);
  await store.close();
  const scores = join(dir, 'scores', modelKeyId(A));
  return { dir, scores, file: join(scores, 'model.json') };
}

const DAMAGES: readonly [string, string | undefined][] = [
  ['is cut short', '{"architecture": "v1", "chec'],
  ['is empty', ''],
  ['is null', 'null'],
  ['lacks its members', '{}'],
  ['has members of other types', JSON.stringify({ architecture: 7, checksum: [], embeddingDim: 'wide' })],
  ['names another model', JSON.stringify({ ...B, embeddingDim: 4 })],
  ['names an impossible width', JSON.stringify({ ...A, embeddingDim: 2 ** 53 })],
  ['is gone', undefined],
];

describe('a model.json that', () => {
  it.each(DAMAGES)('%s costs no score, and is written again', async (_name, damage) => {
    const { dir, file, scores } = await scored();
    if (damage === undefined) rmSync(file);
    else writeFileSync(file, damage);
    const store = await opened({ dir });
    expect(store.score(0, A)).toMatchObject({ loss: 1.5 });
    await store.close();
    expect(readModelFile(scores)).toEqual({ ...A, embeddingDim: 4 });
  });

  it.each(DAMAGES)('%s does not hinder readers', async (_name, damage) => {
    const { dir, file } = await scored();
    if (damage === undefined) rmSync(file);
    else writeFileSync(file, damage);
    const reader = await opened({ dir, readonly: true });
    expect(reader.score(0, A)).toMatchObject({ loss: 1.5 });
  });

  it('names another width is still refused', async () => {
    const { dir } = await scored();
    await expect(opened({ dir, embeddingDim: 8 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
