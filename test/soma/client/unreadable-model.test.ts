import { afterAll, beforeAll, expect, it } from 'vitest';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { systemStateFrom } from '../../../src/soma/client/decode/system-state.js';
import { mask, RawClient } from '../../devnet/soma/raw-client.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

it('a model in an unknown state costs that model and no other', async () => {
  const rpc = new RawClient(fixture.devnet.rpcUrl);
  const { epoch } = await rpc.call(LedgerService.method.getEpoch, { readMask: mask('system_state') });
  const state = epoch!.systemState!;
  const [first, ...others] = Object.entries(state.modelRegistry!.models);
  first![1].state = 'frozen';
  const read = systemStateFrom(state);
  expect(read.models.size).toBe(others.length);
  expect(others.length).toBeGreaterThan(0);
  expect(read.unreadableModels.map(({ code, message }) => [code, message.includes(first![0])])).toEqual([
    ['PROTOCOL', true],
  ]);
  rpc.close();
});
