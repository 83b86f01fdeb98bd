import { expect, it } from 'vitest';
import { tellAll } from './tell-all.js';

/** One of each kind that once blinded the miner until the epoch's end, or for good. */
const ONCE_FATAL = [
  'GetEpoch epoch\\.system_state\\.model_registry\\.models\\.value\\.state: zz$',
  'GetEpoch epoch\\.system_state\\.parameters\\.max_submission_data_size: 1$',
  'GetEpoch epoch\\.system_state\\.parameters\\.target_embedding_dim: 1$',
  'SubscribeCheckpoints checkpoint\\.summary\\.epoch: 2\\^53 \\+ 1$',
  'ListTargets targets\\.distance_threshold: NaN$',
];

it('survives lies that were once fatal', async () => {
  const telling = await tellAll({ seed: 1, miners: 3, only: new RegExp(ONCE_FATAL.join('|')), tellingMs: 60_000 });
  expect(telling.findings).toEqual([]);
  expect(telling.notTold).toEqual([]);
  expect(telling.chosen).toBe(ONCE_FATAL.length);
});

it('survives a sample of all lies about all fields', async () => {
  const telling = await tellAll({ seed: 7, miners: 4, count: 60, budgetMs: 25_000 });
  expect(telling.findings).toEqual([]);
  expect(telling.told).toBeGreaterThan(0);
});
