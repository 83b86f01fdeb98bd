import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { A, B, randomizer, randomVector, temporaryDir } from '../store/fixtures.js';
import { cliRunner } from './run-cli.js';

const DIM = 16;
const ROWS = 40;

test('store reach reports the shares for each model and for all of them, alone and composed', async () => {
  const dir = temporaryDir();
  await mkdir(join(dir, 'store'));
  const store = await openStore({ dir: join(dir, 'store'), embeddingDim: DIM, durability: 'process' });
  const random = randomizer(3);
  await store.appendSamples(Array.from({ length: ROWS }, (_, i) => ({ bytes: new Uint8Array(1024).fill(i) })));
  for (const key of [A, B]) {
    const scores = Array.from({ length: ROWS }, (_, sampleId) => {
      const [loss, embedding] = [5 + random(), randomVector(random, DIM)];
      return { sampleId, loss, embedding, precision: 'f32' as const };
    });
    await store.appendScores(key, scores);
  }
  await store.close();
  const run = cliRunner({ HOME: dir, QUARRY_STATE_DIR: dir, QUARRY_NETWORK: 'localnet' });
  const shown = await run(['store', 'reach', '--targets', '20', '--json']);
  expect(shown.exit).toBe(0);
  const rows = shown.lines.map((line) => JSON.parse(line));
  expect(rows.map(({ models, z }) => `${models.length} ${z}`)).toEqual(
    [1, 1, 2].flatMap((count) => [1, 2.27, 3.2, 4.5].map((z) => `${count} ${z}`)),
  );
  const hard = rows.at(-2);
  expect(hard.threshold).toBeCloseTo(0.2, 6);
  expect(hard.composed).toBeGreaterThan(hard.single + 0.5);
  expect(rows.every(({ single, composed }) => composed >= single)).toBe(true);
  // Half of the rows reach less: more of them would reach more, but nothing beyond everything.
  expect(rows.every(({ composed, nextThousand }) => nextThousand >= 0 && composed + nextThousand <= 1)).toBe(true);
  expect(rows.some(({ nextThousand }) => nextThousand > 0.02)).toBe(true);
});
