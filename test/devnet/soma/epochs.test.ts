import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { struct, u64 } from '../../../src/soma/chain/bcs/index.js';
import { mask, RawClient } from './raw-client.js';

let devnet: Devnet;
let rpc: RawClient;

beforeAll(async () => {
  devnet = await startDevnet({ seed: 4, epochMs: 300, checkpointIntervalMs: 20, readLagMs: 0, validators: 3 });
  rpc = new RawClient(devnet.rpcUrl);
});
afterAll(async () => {
  rpc.close();
  await devnet.close();
});

describe('epochs', () => {
  it('end by the clock and mint what is due', async () => {
    const before = devnet.ledger.state.emissionPool.balance;
    await expect.poll(() => devnet.ledger.state.epoch, { timeout: 60_000 }).toBeGreaterThanOrEqual(2n);
    const stake = devnet.ledger.state.validators.validators.reduce((sum, each) => sum + each.nextEpochStake, 0n);
    expect(devnet.ledger.state.emissionPool.balance).toBeLessThan(before);
    // Three validators share 70 % of each epoch's emission; rounding keeps a little back.
    expect(stake).toBeGreaterThan(3n * 20_000_000_000_000n + 1_917_000_000_000n);
  });

  it('end on request as well, with their last checkpoint saying so', async () => {
    const admin = new RawClient(devnet.adminUrl);
    const { epoch } = await admin.bcs(
      '/admin.Admin/AdvanceEpoch',
      struct<object>({}),
      struct<{ epoch: bigint }>({ epoch: u64 }),
      {},
    );
    admin.close();
    const ended = (await rpc.call(LedgerService.method.getEpoch, { epoch: epoch - 1n })).epoch!;
    expect(ended.committee?.members.map((each) => each.weight)).toEqual([3_334n, 3_333n, 3_333n]);
    const { checkpoint } = await rpc.call(LedgerService.method.getCheckpoint, {
      checkpointId: { case: 'sequenceNumber', value: ended.lastCheckpoint! },
      readMask: mask('summary', 'transactions.transaction.kind'),
    });
    expect(checkpoint?.summary?.epoch).toBe(epoch - 1n);
    expect(checkpoint?.summary?.endOfEpochData?.nextEpochProtocolVersion).toBe(5n);
    expect(checkpoint?.transactions.at(-1)?.transaction?.kind?.kind.case).toBe('changeEpoch');
    const next = (await rpc.call(LedgerService.method.getEpoch, { epoch })).epoch!;
    expect(next.firstCheckpoint).toBe(ended.lastCheckpoint! + 1n);
  });
});
