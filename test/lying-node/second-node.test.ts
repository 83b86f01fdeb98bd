import { afterEach, expect, it } from 'vitest';
import { LiedToMiner } from './lied-to-miner.js';
import { allLies } from './lies.js';

/** Of each kind that an answer shows to be a lie: wrong in a field, made up, missing, silent. Half a list may be a list. */
const LIES = [
  'SubscribeCheckpoints: garbage',
  'SubscribeCheckpoints: never',
  'GetEpoch epoch.system_state.model_registry.models.value.state: zz',
  'ListTargets targets.distance_threshold: NaN',
  'ListTargets: garbage',
  'ExecuteTransaction: garbage',
  'GetServiceInfo: status 14',
  'GetEpoch epoch.system_state.parameters.max_submission_data_size: 1',
];

let miner: LiedToMiner | undefined;
afterEach(() => miner?.close());

it.each(LIES)('takes every target beside an honest second node: %s', async (name) => {
  miner = await LiedToMiner.start({}, false);
  const { proxy } = miner;
  await miner.showEverything([name.split(/[ :]/)[0]!]);
  const lie = allLies(new Set(proxy.answers.keys())).find((each) => each.name === name);
  expect(lie?.name).toBe(name);
  expect(await miner.takeAllDespite(lie!)).toBe(20);
});
