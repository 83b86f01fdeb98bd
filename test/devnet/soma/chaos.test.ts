import { describe, expect, it } from 'vitest';
import { Chaos } from '../../../src/devnet/soma/chaos.js';
import { type ChaosRates, type Devnet, NO_CHAOS, startDevnet } from '../../../src/devnet/soma/index.js';
import { ExecutionError_ExecutionErrorKind as Kind } from '../../../src/gen/soma/rpc/execution_status_pb.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import { manifestOf } from '../../../src/soma/chain/manifest.js';
import { scalarTensor } from '../../../src/soma/chain/tensor.js';
import { until } from '../../until.js';
import { coinsOf, execute, failure, RawClient } from './raw-client.js';

const alice = Keypair.fromSecret(new Uint8Array(32).fill(1));
const bob = Keypair.fromSecret(new Uint8Array(32).fill(2));
async function withChaos(
  rates: Partial<ChaosRates>,
  run: (devnet: Devnet, rpc: RawClient) => Promise<void>,
): Promise<void> {
  const devnet = await startDevnet({
    seed: 9,
    checkpointIntervalMs: 20,
    readLagMs: 0,
    accounts: [{ address: alice.address, coins: [10_000_000_000n, 10_000_000_000n] }],
    models: [
      {
        owner: bob.address,
        manifest: manifestOf('http://127.0.0.1:1/weights', Uint8Array.of(1)),
        decryptionKey: new Uint8Array(32),
        embedding: new Float32Array(16).fill(1),
        commissionRate: 0n,
        initialStake: 1_000_000_000n,
      },
    ],
    targetsPerEpoch: 2,
    chaos: { rates: { ...NO_CHAOS, ...rates }, lockMs: 200 },
  });
  const rpc = new RawClient(devnet.rpcUrl);
  try {
    await run(devnet, rpc);
  } finally {
    rpc.close();
    await devnet.close();
  }
}

describe('chaos', { timeout: 120_000 }, () => {
  it('refuses before execution, so that nothing has happened', () =>
    withChaos({ unavailable: 1 }, async (devnet, rpc) => {
      const refused = await failure(rpc.call(LedgerService.method.getServiceInfo, {}));
      expect(refused.code).toBe('UNAVAILABLE');
      expect(devnet.faults.unavailable).toBe(1);
      expect(devnet.totalFees()).toBe(0n);
    }));

  it('loses the answer after execution, and gives it when asked again', () =>
    withChaos({ lostReply: 1 }, async (devnet, rpc) => {
      const [coin, gas] = await coinsOf(rpc, alice.address);
      const kind = { kind: 'transferCoin', coin: coin!, amount: 7n, recipient: bob.address } as const;
      const lost = await failure(execute(rpc, alice, kind, [gas!]));
      expect(lost.code).toBe('DEADLINE_EXCEEDED');
      expect(devnet.balanceOf(bob.address)).toBe(7n);
      await failure(execute(rpc, alice, kind, [gas!]));
      expect(devnet.balanceOf(bob.address)).toBe(7n);
    }));

  it('locks a coin for a stranger, for a while', () =>
    withChaos({ lockConflict: 0.5 }, async (_devnet, rpc) => {
      const [coin, gas] = await coinsOf(rpc, alice.address);
      const attempt = () =>
        execute(rpc, alice, { kind: 'transferCoin', coin: coin!, amount: 7n, recipient: bob.address }, [gas!]);
      const outcomes: string[] = [];
      const isDone = async (): Promise<boolean> => {
        const outcome = await attempt().then(
          () => 'done',
          (error: { details: string }) => error.details,
        );
        outcomes.push(outcome);
        return outcome === 'done';
      };
      await until(isDone, 'the lock to end', { everyMs: 100 });
      expect(outcomes.some((each) => each.includes('already locked by a different transaction'))).toBe(true);
    }));

  it('cancels for congestion: charged, and of no effect', () =>
    withChaos({ congestion: 1 }, async (devnet, rpc) => {
      const [coin, gas] = await coinsOf(rpc, alice.address);
      const kind = { kind: 'transferCoin', coin: coin!, amount: 7n, recipient: bob.address } as const;
      const before = devnet.balanceOf(alice.address);
      const { effects } = await execute(rpc, alice, kind, [gas!]);
      expect(effects?.status?.error?.kind).toBe(Kind.SHARED_OBJECT_CONGESTION);
      expect(devnet.balanceOf(bob.address)).toBe(0n);
      expect(devnet.totalFees()).toBeGreaterThan(0n);
      expect(devnet.balanceOf(alice.address)).toBe(before - devnet.totalFees());
      // The same bytes again give the same answer, and cost nothing.
      await execute(rpc, alice, kind, [gas!]);
      expect(devnet.faults.congestion).toBe(1);
    }));

  it('ends the epoch while a submission travels, so that its target is expired', () =>
    withChaos({ epochChange: 1 }, async (devnet, rpc) => {
      const [gas, bond] = await coinsOf(rpc, alice.address);
      const [targetId, target] = [...devnet.targets()][0]!;
      const submitted = await execute(
        rpc,
        alice,
        {
          kind: 'submitData',
          targetId,
          dataManifest: manifestOf('http://127.0.0.1:1/data', Uint8Array.of(1)),
          modelId: target.modelIds[0]!,
          embedding: target.embedding,
          distanceScore: scalarTensor(0),
          lossScore: scalarTensor(1),
          bondCoin: bond!,
        },
        [gas!],
      );
      expect(submitted.effects?.epoch).toBe(1n);
      expect(submitted.effects?.status?.error?.kind).toBe(Kind.TARGET_EXPIRED);
      expect(submitted.effects?.status?.error?.errorDetails.value).toBe('generation_epoch=0, current_epoch=1');
    }));

  it('corrupts, stalls and cuts downloads', async () => {
    const bytes = new Uint8Array(10_000).fill(5);
    await withChaos({ corruptDownload: 1 }, async (devnet) => {
      const body = new Uint8Array(await (await fetch(devnet.putBlob('x', bytes))).arrayBuffer());
      expect(body).toHaveLength(bytes.length);
      expect(body).not.toEqual(bytes);
    });
    await withChaos({ truncatedDownload: 1 }, async (devnet) => {
      const response = await fetch(devnet.putBlob('x', bytes));
      await expect(response.arrayBuffer()).rejects.toThrow();
    });
    await withChaos({ stalledDownload: 1 }, async (devnet) => {
      const response = await fetch(devnet.putBlob('x', bytes), { signal: AbortSignal.timeout(300) });
      await expect(response.arrayBuffer()).rejects.toThrow(/timeout/);
    });
  });

  it('plays the same faults for the same seed', async () => {
    const codes: string[][] = [];
    for (let round = 0; round < 2; round++) {
      await withChaos({ unavailable: 0.5 }, async (_devnet, rpc) => {
        const seen: string[] = [];
        for (let call = 0; call < 12; call++) {
          seen.push(
            await rpc.call(LedgerService.method.getServiceInfo, {}).then(
              () => 'ok',
              () => 'refused',
            ),
          );
        }
        codes.push(seen);
      });
    }
    expect(codes[0]).toEqual(codes[1]);
    expect(new Set(codes[0]).size).toBe(2);
  });

  it('draws the same faults however the calls of others are interleaved', () => {
    const lockConflicts = (between: (chaos: Chaos) => void): boolean[] => {
      const chaos = new Chaos({ seed: 3, rates: { lockConflict: 0.5, unavailable: 0.5, slowCheckpoint: 0.5 } });
      return Array.from({ length: 64 }, () => {
        between(chaos);
        return chaos.injectFault('lockConflict');
      });
    };
    const alone = lockConflicts(() => {});
    expect(new Set(alone).size).toBe(2);
    const among = lockConflicts((chaos) => {
      chaos.injectFault('unavailable');
      chaos.checkpointDelayMs();
    });
    expect(among).toEqual(alone);
  });
});

describe('locks', () => {
  it('separate two transactions that want the same coin at once', async () => {
    const devnet = await startDevnet({
      seed: 2,
      checkpointIntervalMs: 20,
      readLagMs: 0,
      finalityDelayMs: 100,
      accounts: [{ address: alice.address, coins: [10_000_000_000n, 10_000_000_000n] }],
    });
    const rpc = new RawClient(devnet.rpcUrl);
    const [coin, gas] = await coinsOf(rpc, alice.address);
    const send = (amount: bigint) =>
      execute(rpc, alice, { kind: 'transferCoin', coin: coin!, amount, recipient: bob.address }, [gas!]);
    const first = send(1n);
    const same = send(1n);
    const other = await failure(send(2n));
    expect(other.code).toBe('FAILED_PRECONDITION');
    expect(other.message).toMatch(
      /^Object \(0x[0-9a-f]{64}, Version\(1\), o#\w+\) already locked by a different transaction: TransactionDigest\(\w+\)$/,
    );
    expect((await first).effects?.transactionDigest).toBe((await same).effects?.transactionDigest);
    expect(devnet.balanceOf(bob.address)).toBe(1n);
    rpc.close();
    await devnet.close();
  });
});
