import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import type { ClaimOutcome, ClaimTargetDeps } from '../../src/miner/submit/claim-target.js';
import { Claimer } from '../../src/miner/submit/claimer.js';
import { encodeSignedTransaction, manifestOf, signTransaction } from '../../src/soma/chain/index.js';
import { refOf } from '../../src/soma/client/decode/object.js';
import { bytesOf, type Fixture, startFixture } from '../soma/client/devnet-fixture.js';
import { failCalls } from '../soma/client/unfaithful-node.js';
import { until } from '../until.js';

const never = new AbortController().signal;
let fixture: Fixture;
let dir: string;
let journal: Journal;
let outcomes: ClaimOutcome[];
beforeEach(async () => {
  fixture = await startFixture({ coins: [10_000_000_000n], targetsPerEpoch: 6 });
  dir = await mkdtemp(join(tmpdir(), 'quarry-claimer-'));
  journal = new Journal(join(dir, 'journal.db'), Date.now);
  outcomes = [];
});
afterEach(async () => {
  journal.close();
  await fixture.close();
  await rm(dir, { recursive: true });
});

function claimer(
  claimExpired = false,
  account: ClaimTargetDeps['account'] = fixture.client.account(fixture.keypair),
): Claimer {
  const { client } = fixture;
  const onOutcome = (outcome: ClaimOutcome) => void outcomes.push(outcome);
  return new Claimer(
    { claimExpired, maxInFlight: 4 },
    { client, account, journal, onOutcome, maySpend: async () => {} },
  );
}

/** Fills targets without a word to the journal, as another machine with the same key does. */
async function fill(count: number): Promise<string[]> {
  const { client, keypair } = fixture;
  const targets = (await client.getTargets()).slice(0, count);
  for (const target of targets) {
    await client.account(keypair).submitData({
      targetId: target.id,
      manifest: manifestOf('http://127.0.0.1/data', bytesOf(100, 1)),
      ...{ modelId: target.modelIds[0]!, embedding: target.embedding, distance: 0.5, loss: 1 },
    });
  }
  return targets.map(({ id }) => id);
}

async function nextEpochs(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await fixture.devnet.advanceEpoch();
}

describe('claims', () => {
  it('are made for targets that only the node knows of, each once', async () => {
    const filled = await fill(3);
    await nextEpochs(2);
    const both = claimer();
    await both.claimDue(2n, never);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['claimed', 'claimed', 'claimed']);
    expect(new Set(outcomes.map(({ targetId }) => targetId))).toEqual(new Set(filled));
    await both.claimDue(2n, never);
    expect(outcomes).toHaveLength(3);
    expect(journal.totals()).toMatchObject({ claimed: 3, unclaimed: 0 });
  });

  it('that come too early fail once, cost one fee, and wait for the next epoch', async () => {
    const [id] = await fill(1);
    const { client } = fixture;
    const early = claimer();
    const before = fixture.devnet.balanceOf(fixture.keypair.address);
    await early.claimTargets([id!], 0n, never);
    const fee = before - fixture.devnet.balanceOf(fixture.keypair.address);
    expect(fee).toBeGreaterThan(0n);
    expect(journal.totals().feesShannons).toBe(fee);
    expect(outcomes).toMatchObject([{ kind: 'failed', targetId: id, error: { code: 'EXECUTION_FAILED' } }]);
    expect(journal.claims.hasDue(0n)).toBe(false);
    expect(journal.claims.hasDue(1n)).toBe(true);
    await early.claimDue(0n, never);
    expect(outcomes).toHaveLength(1);
    await nextEpochs(2);
    await early.claimDue((await client.getSystemState()).epoch, never);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'claimed', own: true });
    const [, claimed] = outcomes;
    expect(journal.totals().feesShannons).toBe(fee + (claimed?.kind === 'claimed' ? claimed.feeShannons : 0n));
  });

  it('of a target that somebody else returned are closed', async () => {
    const [id] = await fill(1);
    await nextEpochs(2);
    journal.claims.note(id!, 2n, true);
    await fixture.client.account(fixture.keypair).claimRewards({ targetId: id! });
    await claimer().claimDue(2n, never);
    expect(outcomes).toEqual([{ kind: 'gone', targetId: id }]);
    expect(journal.claims.hasDue(9n)).toBe(false);
  });

  it('that the journal knows do not wait for the list of the node', async () => {
    const known = (await fill(4)).sort().at(-1)!;
    await nextEpochs(2);
    journal.claims.note(known, 2n, true);
    await claimer().claimDue(2n, never);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['claimed', 'claimed', 'claimed', 'claimed']);
    expect(outcomes[0]!.targetId).toBe(known);
  });

  it('leave coins alone that a signed transaction names whose outcome is not known', async () => {
    const { client, keypair } = fixture;
    const [held, due] = await fill(2);
    await nextEpochs(2);
    const account = client.account(keypair);
    await account.pool.ready();
    const [only] = account.pool.free();
    const kind = { kind: 'claimRewards', targetId: held! } as const;
    const signed = await signTransaction({ kind, sender: keypair.address, gasPayment: [refOf(only!)] }, keypair);
    journal.claims.note(held!, 2n, true);
    journal.claims.record(held!, signed.digest, encodeSignedTransaction(signed));
    const stop = new AbortController();
    const executions = failCalls(client, 'ExecuteTransaction', '', status.INVALID_ARGUMENT, 0);
    const claiming = claimer(false, account).claimTargets([due!], 2n, stop.signal);
    await until(() => account.pool.state.quarantined === 1, 'the coin set aside');
    stop.abort();
    await expect(claiming).rejects.toMatchObject({ code: 'ABORTED' });
    expect(executions.calls).toBe(0);
  });

  it('leave expired targets alone unless they are wanted', async () => {
    await nextEpochs(1);
    await claimer().claimDue(1n, never);
    expect(outcomes).toEqual([]);
    await claimer(true).claimDue(1n, never);
    expect(outcomes).toHaveLength(6);
    expect(outcomes.every((outcome) => outcome.kind === 'claimed' && !outcome.own)).toBe(true);
  });

  it('end with their checkpoint, and beside mining once they are final', async () => {
    await fill(2);
    await nextEpochs(2);
    const account = fixture.client.account(fixture.keypair);
    const waits: unknown[] = [];
    const watched = {
      address: account.address,
      pool: account.pool,
      claimRewards: (options: Parameters<typeof account.claimRewards>[0]) => {
        waits.push(options.wait);
        return account.claimRewards(options);
      },
    };
    await claimer(false, watched).claimDue(2n, never, false);
    expect(waits).toEqual([false, false]);
    expect(journal.totals()).toMatchObject({ claimed: 2, unclaimed: 0 });
    await fill(1);
    await nextEpochs(2);
    await claimer(false, watched).claimDue(4n, never);
    expect(waits).toEqual([false, false, true]);
  });

  it('stop on their signal', async () => {
    await fill(2);
    await nextEpochs(2);
    const stop = new AbortController();
    const claiming = claimer().claimDue(2n, stop.signal);
    stop.abort();
    await expect(claiming).rejects.toMatchObject({ code: 'ABORTED' });
    expect(journal.totals().claimed).toBe(0);
  });
});
