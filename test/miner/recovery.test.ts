import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import type { SubmissionOutcome } from '../../src/miner/run/events.js';
import type { ClaimOutcome } from '../../src/miner/submit/claim-target.js';
import { Claimer } from '../../src/miner/submit/claimer.js';
import { quarantineSignedCoins } from '../../src/miner/submit/quarantine-signed-coins.js';
import { settleSubmissions } from '../../src/miner/submit/settle-submissions.js';
import {
  encodeSignedTransaction,
  manifestOf,
  type SignedTransaction,
  signTransaction,
} from '../../src/soma/chain/index.js';
import { refOf } from '../../src/soma/client/decode/object.js';
import { bytesOf, type Fixture, startFixture } from '../soma/client/devnet-fixture.js';
import { failCalls, intercept, staleRefusal } from '../soma/client/unfaithful-node.js';
import { until } from '../until.js';

const BOND = 1_000n;
const UNREADABLE = {
  checksum: 'c'.repeat(64),
  modelId: '0x1',
  signed: Uint8Array.of(1, 2, 3),
  epoch: 0n,
  bondShannons: BOND,
  rewardShannons: 0n,
};
let fixture: Fixture;
let dir: string;
let journal: Journal;
beforeEach(async () => {
  fixture = await startFixture({ coins: [10_000_000_000n] });
  dir = await mkdtemp(join(tmpdir(), 'quarry-recovery-'));
  journal = new Journal(join(dir, 'journal.db'), Date.now);
});
afterEach(async () => {
  journal.close();
  await fixture.close();
  await rm(dir, { recursive: true });
});

/** Submits, and writes down only what a crash before the answer leaves. */
async function submitAndCrash(): Promise<{ signed: SignedTransaction; targetId: string }> {
  const [target] = await fixture.client.getTargets({ limit: 1 });
  let signed: SignedTransaction | undefined;
  await fixture.client.account(fixture.keypair).submitData({
    targetId: target!.id,
    manifest: manifestOf('http://127.0.0.1/data', bytesOf(100, 1)),
    modelId: target!.modelIds[0]!,
    embedding: target!.embedding,
    distance: 0.5,
    loss: 1,
    onSigned: (each) => {
      signed = each;
    },
  });
  journal.submissions.record({
    targetId: target!.id,
    checksum: 'c'.repeat(64),
    modelId: target!.modelIds[0]!,
    digest: signed!.digest,
    signed: encodeSignedTransaction(signed!),
    epoch: target!.generationEpoch,
    bondShannons: BOND,
    rewardShannons: target!.rewardPoolShannons,
  });
  return { signed: signed!, targetId: target!.id };
}

async function settle(): Promise<SubmissionOutcome[]> {
  const outcomes: SubmissionOutcome[] = [];
  const { client } = fixture;
  const onOutcome = (_: unknown, outcome: SubmissionOutcome) => void outcomes.push(outcome);
  const account = client.account(fixture.keypair);
  await settleSubmissions({ journal, client, account }, new Set(), onOutcome, new AbortController().signal);
  return outcomes;
}

describe('a submission that was executed before a crash', () => {
  it('counts as accepted, and its bond is known, though the resend is refused and the node slow to know', async () => {
    const { signed, targetId } = await submitAndCrash();
    failCalls(fixture.client, 'ExecuteTransaction', staleRefusal(signed.data.gasPayment[0]!));
    failCalls(fixture.client, 'GetTransaction', 'Transaction not found', status.NOT_FOUND, 1);
    expect(await settle()).toMatchObject([{ kind: 'accepted' }]);
    expect(journal.submissions.bondOf(targetId)).toBe(BOND);
    expect(journal.totals()).toMatchObject({ accepted: 1, rejected: 0, pending: 0 });
  });

  it('keeps its signed bytes while its outcome is unknown', async () => {
    const { signed } = await submitAndCrash();
    failCalls(fixture.client, 'ExecuteTransaction', staleRefusal(signed.data.gasPayment[0]!));
    failCalls(fixture.client, 'GetTransaction', 'no indexes here', status.PERMISSION_DENIED);
    expect(await settle()).toMatchObject([{ kind: 'unknown' }]);
    expect(journal.submissions.unsettled()[0]?.signed).toEqual(encodeSignedTransaction(signed));
  });

  it('is settled although another row cannot be read', async () => {
    journal.submissions.record({ ...UNREADABLE, targetId: '0x1', digest: 'bad' });
    await submitAndCrash();
    expect((await settle()).map(({ kind }) => kind)).toEqual(['unknown', 'accepted']);
  });
});

describe('a claim that was executed before a crash', () => {
  it('is booked with what it brought, though its target is gone and the resend refused', async () => {
    const { client, devnet, keypair } = fixture;
    const { targetId } = await submitAndCrash();
    await settle();
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    const account = client.account(keypair);
    let signed: SignedTransaction | undefined;
    const result = await account.claimRewards({
      targetId,
      onSigned: (each) => {
        signed = each;
      },
    });
    journal.claims.record(targetId, signed!.digest, encodeSignedTransaction(signed!));
    failCalls(client, 'ExecuteTransaction', staleRefusal(signed!.data.gasPayment[0]!));
    // A look-up does not give way to submissions.
    const maySpend = () => new Promise<void>(() => {});
    // The first look-up finds nothing, the second a transaction without its changes.
    let reads = 0;
    intercept(client, 'GetTransaction', async (call) => {
      const answer = (await call()) as { transaction: { balanceChanges: unknown[] } };
      if (++reads === 2) answer.transaction.balanceChanges = [];
      return answer;
    });
    failCalls(client, 'GetTransaction', 'Transaction not found', status.NOT_FOUND, 1);
    const outcomes: ClaimOutcome[] = [];
    const fees: bigint[] = [];
    const claimer = new Claimer(
      { claimExpired: false, maxInFlight: 1 },
      {
        client,
        account,
        journal,
        onOutcome: (outcome) => outcomes.push(outcome),
        onResentFee: (fee) => fees.push(fee),
        maySpend,
      },
    );
    await claimer.claimDue(2n, new AbortController().signal);
    const change = result.balanceChanges.find(({ address }) => address === keypair.address)!.amountShannons;
    const received = change + result.effects.fee.totalFee;
    expect(received).toBeGreaterThan(BOND);
    expect(journal.totals()).toMatchObject({ claimed: 1, unclaimed: 0, receivedShannons: received });
    expect(outcomes).toMatchObject([{ kind: 'claimed', rewardShannons: received - BOND }]);
    expect(fees).toEqual([result.effects.fee.totalFee]);
  });
});

describe('a claim that was executed in vain before a crash', () => {
  it('is paid for once, however often another cannot be sent', async () => {
    const { client, keypair } = fixture;
    const { targetId } = await submitAndCrash();
    await settle();
    const account = client.account(keypair);
    const paidBefore = account.feesShannons;
    const onSigned = (signed: SignedTransaction): void =>
      journal.claims.record(targetId, signed.digest, encodeSignedTransaction(signed));
    await expect(account.claimRewards({ targetId, onSigned })).rejects.toMatchObject({ code: 'EXECUTION_FAILED' });
    const paid = account.feesShannons - paidBefore;
    const before = journal.totals().feesShannons;
    const fees: bigint[] = [];
    failCalls(client, 'GetTarget', 'not now', status.PERMISSION_DENIED);
    for (let round = 0; round < 2; round++) {
      await new Claimer(
        { claimExpired: false, maxInFlight: 1 },
        {
          ...{ client, account, journal, onOutcome: () => {} },
          onResentFee: (fee) => fees.push(fee),
          maySpend: async () => {},
        },
      ).claimDue(2n, new AbortController().signal);
    }
    expect(fees).toEqual([paid]);
    expect(journal.totals().feesShannons - before).toBe(paid);
  });
});

describe('coins that an earlier life has signed away', () => {
  it('are set aside in the version that was signed, and come back in a newer one', async () => {
    const { client, keypair } = fixture;
    const { signed } = await submitAndCrash();
    journal.claims.note('0x5', 0n, true);
    journal.claims.record('0x5', 'bad', Uint8Array.of(1));
    const [named] = signed.data.gasPayment;
    const account = client.account(keypair);
    const never = new AbortController().signal;
    // What it names was executed, and what nobody can read names nothing.
    await quarantineSignedCoins({ account, journal }, never);
    expect(account.pool.state).toMatchObject({ free: 1, quarantined: 0 });
    const [current] = account.pool.free();
    expect(current!.objectId).toBe(named!.objectId);
    const kind = { kind: 'transferCoin', coin: refOf(current!), amount: 1n, recipient: '0x77' } as const;
    const data = { kind, sender: keypair.address, gasPayment: [refOf(current!)] };
    const waiting = await signTransaction(data, keypair);
    journal.claims.record('0x5', waiting.digest, encodeSignedTransaction(waiting));
    await quarantineSignedCoins({ account, journal }, never);
    expect(account.pool.state).toMatchObject({ free: 0, quarantined: 1 });
    await client.executeTransaction(waiting);
    await until(() => account.pool.state.free === 1, 'the coin in its new version');
  });
});

describe('submissions in flight', () => {
  it('that are answered while others are asked about are neither sent again nor counted twice', async () => {
    const { client, keypair } = fixture;
    const account = client.account(keypair);
    journal.submissions.record({ ...UNREADABLE, targetId: '0x1', digest: 'first' });
    journal.submissions.record({ ...UNREADABLE, targetId: '0x2', digest: 'in flight' });
    const inFlight = new Set(['in flight']);
    const outcomes: string[] = [];
    const onOutcome = ({ digest }: { readonly digest: string }): void => {
      outcomes.push(digest);
      // Its answer arrives now.
      journal.submissions.recordOutcome('in flight', 'accepted', { feeShannons: 3n });
      inFlight.clear();
    };
    await settleSubmissions({ journal, client, account }, inFlight, onOutcome, new AbortController().signal);
    expect(outcomes).toEqual(['first']);
    journal.submissions.recordOutcome('in flight', 'unknown', { feeShannons: 9n });
    expect(journal.totals()).toMatchObject({ accepted: 1, feesShannons: 3n });
  });
});

describe('claims', () => {
  it('give way to submissions', async () => {
    const { client, devnet, keypair } = fixture;
    await submitAndCrash();
    await settle();
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    let done: (() => void) | undefined;
    const maySpend = () =>
      new Promise<void>((resolve) => {
        done = resolve;
      });
    const outcomes: ClaimOutcome[] = [];
    const onOutcome = (outcome: ClaimOutcome) => void outcomes.push(outcome);
    const account = client.account(keypair);
    const deps = { client, account, journal, onOutcome, maySpend };
    const executions = failCalls(client, 'ExecuteTransaction', '', status.INVALID_ARGUMENT, 0);
    const claiming = new Claimer({ claimExpired: false, maxInFlight: 1 }, deps).claimDue(
      2n,
      new AbortController().signal,
    );
    const release = await until(() => done, 'the claims to give way');
    expect(executions.calls).toBe(0);
    release();
    await claiming;
    expect(executions.calls).toBe(1);
    expect(outcomes).toMatchObject([{ kind: 'claimed' }]);
  });
});
