import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestOf, type SignedTransaction, signTransaction } from '../../../src/soma/chain/index.js';
import type { SomaAccount } from '../../../src/soma/client/index.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';
import { failCalls, intercept, staleRefusal } from './unfaithful-node.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture({ coins: [10_000_000_000n] });
});
afterEach(() => fixture.close());

async function payment(amount = 1000n): Promise<SignedTransaction> {
  const [coin] = await fixture.client.listCoins(fixture.keypair.address);
  const gasPayment = [{ objectId: coin!.objectId, version: coin!.version, digest: coin!.digest }];
  return signTransaction(
    {
      kind: { kind: 'transferCoin', coin: gasPayment[0]!, amount, recipient: `0x${'77'.padStart(64, '0')}` },
      sender: fixture.keypair.address,
      gasPayment,
    },
    fixture.keypair,
  );
}

describe('what became of a signed transaction', () => {
  it('is executed, although the node refuses the resend and knows the digest only at the second look-up', async () => {
    const signed = await payment();
    await fixture.client.executeAndWait(signed);
    failCalls(fixture.client, 'ExecuteTransaction', staleRefusal(signed.data.gasPayment[0]!));
    const lookUps = failCalls(fixture.client, 'GetTransaction', 'Transaction not found', status.NOT_FOUND, 1);
    const recovery = await fixture.client.recoverTransaction(signed);
    expect(recovery).toMatchObject({ kind: 'executed', result: { effects: { status: { kind: 'success' } } } });
    expect(lookUps.calls).toBe(2);
  });

  it('is executed now, when it never was', async () => {
    const recovery = await fixture.client.recoverTransaction(await payment());
    expect(recovery.kind).toBe('executed');
    expect(fixture.devnet.balanceOf(`0x${'77'.padStart(64, '0')}`)).toBe(1000n);
  });

  it('is impossible, once its coin has moved on and the ledger does not know it', async () => {
    const [first, other] = [await payment(1000n), await payment(2000n)];
    await fixture.client.executeAndWait(other);
    expect(await fixture.client.recoverTransaction(first)).toMatchObject({
      kind: 'impossible',
      reason: { code: 'OBJECT_STALE' },
    });
  });

  it('is unknown when the resend is refused and no node can be asked', async () => {
    const signed = await payment();
    failCalls(fixture.client, 'ExecuteTransaction', staleRefusal(signed.data.gasPayment[0]!));
    failCalls(fixture.client, 'GetTransaction', 'no indexes here', status.PERMISSION_DENIED);
    expect((await fixture.client.recoverTransaction(signed)).kind).toBe('unknown');
  });

  it('is unknown while another transaction holds its coin', async () => {
    const signed = await payment();
    const { objectId, version, digest } = signed.data.gasPayment[0]!;
    const text = `Object (${objectId}, Version(${version}), o#${digest}) already locked by a different transaction: TransactionDigest(${digest})`;
    failCalls(fixture.client, 'ExecuteTransaction', text, status.FAILED_PRECONDITION);
    expect(await fixture.client.recoverTransaction(signed)).toMatchObject({
      kind: 'unknown',
      reason: { code: 'OBJECT_LOCKED' },
    });
  });
});

describe('effects of another transaction', () => {
  it('are not ours: the ledger is asked by digest instead', async () => {
    const [ours, other] = [await payment(1000n), await payment(2000n)];
    await fixture.client.executeAndWait(other);
    intercept(fixture.client, 'ExecuteTransaction', (call) => call({ swap: other }));
    await expect(fixture.client.executeTransaction(ours, { attempts: 1 })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      cause: { code: 'PROTOCOL', details: { answered: other.digest } },
    });
  });
});

describe('a change of balance', () => {
  it('that the node reports only later is awaited, and never taken for 0', async () => {
    const signed = await payment();
    const { balanceChanges, effects } = await fixture.client.executeTransaction(signed);
    const told = balanceChanges.find((each) => each.address === fixture.keypair.address)?.amountShannons;
    const untold = { digest: signed.digest, balanceChanges: [] };
    expect(await fixture.client.balanceChange(untold, fixture.keypair.address)).toBe(told);
    expect(told).toBe(-1000n - effects.fee.totalFee);
  });
});

describe('a node that keeps failing slowly', () => {
  it('is not sent the bytes again once the time for that is over', async () => {
    const calls = failCalls(fixture.client, 'ExecuteTransaction', 'timed-out before finality', status.UNAVAILABLE);
    failCalls(fixture.client, 'GetTransaction', 'Transaction not found', status.NOT_FOUND);
    const signed = await payment();
    await expect(fixture.client.executeTransaction(signed, { resendMs: 0 })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    });
    expect(calls.calls).toBe(1);
  });
});

describe('fees and bonds that a node asks for', () => {
  /** Makes the node tell other parameters than it goes by. */
  function tell(change: Record<string, bigint>): void {
    intercept(fixture.client, 'GetEpoch', async (call) => {
      const answer = (await call()) as { epoch: { systemState: { parameters: Record<string, bigint> } } };
      Object.assign(answer.epoch.systemState.parameters, change);
      return answer;
    });
  }
  const pay = (account: SomaAccount) => account.transferCoin({ recipient: '0x77', amountShannons: 1n });

  it('are paid up to ten times what the protocol asks', async () => {
    tell({ baseFee: 1_000_000n, submissionBondPerByte: 1_000_000n });
    const account = fixture.client.account(fixture.keypair);
    await expect(pay(account)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    const [target] = await fixture.client.getTargets({ limit: 1 });
    const submission = account.submitData({
      targetId: target!.id,
      manifest: manifestOf('http://127.0.0.1/data', bytesOf(100, 1)),
      modelId: target!.modelIds[0]!,
      embedding: target!.embedding,
      distance: 0.5,
      loss: 1,
    });
    await expect(submission).rejects.toMatchObject({ hint: expect.stringContaining('--max-bond-soma') });
  });

  it('are paid up to the limits the user sets', async () => {
    await expect(pay(fixture.client.account(fixture.keypair, { maxFeeShannons: 1n }))).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      hint: expect.stringContaining('--max-fee-soma'),
    });
  });
});
