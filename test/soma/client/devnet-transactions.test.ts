import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeTransactionData,
  encodeSignedTransaction,
  fromBase64,
  Keypair,
  manifestOf,
  signTransaction,
  toBase64,
} from '../../../src/soma/chain/index.js';
import { ExecutionError, type SomaAccount, type SomaClient } from '../../../src/soma/client/index.js';
import { until } from '../../until.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';

const SOMA = 1_000_000_000n;
const STRANGER = Keypair.fromSecret(new Uint8Array(32).fill(9));

describe('transactions against a devnet', () => {
  let fixture: Fixture;
  let client: SomaClient;
  let account: SomaAccount;
  const balance = () => fixture.devnet.balanceOf(fixture.keypair.address);

  beforeAll(async () => {
    fixture = await startFixture({ targetsPerEpoch: 10, coins: [1_000n * SOMA, 20n * SOMA] });
    client = fixture.client;
    account = client.account(fixture.keypair);
  });
  afterAll(() => fixture.close());
  // Whatever a test did, the pool must know exactly what the chain holds, once the node's reads have caught up.
  afterEach(() =>
    until(
      async () => isDeepStrictEqual(account.pool.free(), await client.listCoins(account.address)),
      'the pool and the chain to agree',
    ),
  );

  it('transfers an amount, waits for its checkpoint, and balances follow', async () => {
    const before = balance();
    const result = await account.transferCoin({ recipient: STRANGER.address, amountShannons: 3n * SOMA });
    expect(result.effects.status.kind).toBe('success');
    expect(result.checkpoint).toBeGreaterThan(0n);
    expect(await client.getBalance(STRANGER.address)).toBe(3n * SOMA);
    expect(await client.getBalance(fixture.keypair.address)).toBe(before - 3n * SOMA - result.effects.fee.totalFee);
    const mine = result.balanceChanges.find((change) => change.address === fixture.keypair.address);
    expect(mine?.amountShannons).toBe(-3n * SOMA - result.effects.fee.totalFee);
    const found = await client.getTransaction(result.digest);
    expect([found.checkpoint, found.effects]).toEqual([result.checkpoint, result.effects]);
  });

  it('pays several at once, to itself as well', async () => {
    const coins = (await client.listCoins(account.address)).length;
    const payments = [STRANGER.address, account.address, account.address].map((recipient) => ({
      recipient,
      amountShannons: SOMA,
    }));
    await account.payCoins({ payments });
    expect((await client.listCoins(account.address)).length).toBe(coins + 2);
    expect(account.pool.state.free).toBe(coins + 2);
  });

  it('merges coins', async () => {
    const before = balance();
    const result = await account.mergeCoins();
    expect((await client.listCoins(account.address)).length).toBe(2);
    expect(balance()).toBe(before - result!.effects.fee.totalFee);
    expect(await account.mergeCoins()).toBeUndefined();
  });

  it('sends a whole coin, and hands objects over', async () => {
    await account.transferCoin({ recipient: account.address, amountShannons: 5n * SOMA });
    const coins = await client.listCoins(account.address);
    const five = coins.find((coin) => coin.balanceShannons === 5n * SOMA)!;
    await account.transferCoin({ recipient: STRANGER.address, coinId: five.objectId });
    expect((await client.listCoins(STRANGER.address)).map((coin) => coin.objectId)).toContain(five.objectId);
    await account.transferCoin({ recipient: account.address, amountShannons: 2n * SOMA });
    const two = (await client.listCoins(account.address)).find((coin) => coin.balanceShannons === 2n * SOMA)!;
    await account.transferObjects({ recipient: STRANGER.address, objectIds: [two.objectId] });
    expect(await client.getBalance(STRANGER.address)).toBe(11n * SOMA);
    await expect(account.transferCoin({ recipient: STRANGER.address, coinId: '0x123' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('stakes with a validator and a model, and withdraws', async () => {
    const state = await client.getSystemState();
    const validator = state.validators.active[0]!.address;
    const [modelId] = state.models.keys();
    await account.addStake({ validator, amountShannons: 2n * SOMA });
    await account.addStakeToModel({ modelId: modelId!, amountShannons: SOMA });
    const stakes = await client.listStakes(account.address);
    const mine = stakes.filter((stake) => stake.principal === 2n * SOMA);
    expect(mine.length).toBe(1);
    const before = balance();
    const result = await account.withdrawStake({ stakedSomaId: mine[0]!.objectId });
    expect(balance()).toBe(before + 2n * SOMA - result.effects.fee.totalFee);
  });

  it('runs a model through its life', async () => {
    const dim = 16;
    const embedding = Float32Array.from({ length: dim }, (_, i) => Math.sin(i + 1));
    const decryptionKey = bytesOf(32, 3);
    const { modelId } = await account.createModel({ commissionRateBps: 500 });
    expect((await client.getSystemState()).models.get(modelId)?.state).toBe('created');
    const manifest = manifestOf(`${fixture.hostUrl}/weights/new`, bytesOf(1000, 8));
    await account.commitModel({ modelId, manifest, decryptionKey, embedding });
    await expect(account.revealModel({ modelId, decryptionKey, embedding })).rejects.toMatchObject({
      code: 'EXECUTION_FAILED',
      kind: 'modelRevealEpochMismatch',
    });
    await client.advanceEpoch();
    await expect(
      account.revealModel({ modelId, decryptionKey, embedding: embedding.subarray(1) }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await account.revealModel({ modelId, decryptionKey, embedding });
    const [revealed] = await client.getModelManifests([modelId]);
    expect(revealed).toMatchObject({ modelId, url: manifest.url, size: 1000n });
    expect(Buffer.from(revealed!.decryptionKey!)).toEqual(Buffer.from(decryptionKey));
    await account.setModelCommissionRate({ modelId, newRateBps: 700 });
    await account.deactivateModel({ modelId });
    const { models } = await client.getSystemState();
    expect(models.get(modelId)).toMatchObject({ state: 'inactive' });
    await expect(account.deactivateModel({ modelId })).rejects.toMatchObject({ kind: 'modelNotActive' });
    await expect(client.account(STRANGER).deactivateModel({ modelId: [...models.keys()][0]! })).rejects.toMatchObject({
      kind: 'notModelOwner',
      rpcKind: 'NOT_MODEL_OWNER',
    });
  });

  it('submits data, loses a race with a typed error, and claims two epochs later', async () => {
    const [target] = await client.getTargets({ limit: 1 });
    const data = bytesOf(500, 1);
    fixture.hosted.set('/data/1', data);
    const submission = {
      targetId: target!.id,
      manifest: manifestOf(`${fixture.hostUrl}/data/1`, data),
      modelId: target!.modelIds[0]!,
      embedding: target!.embedding,
      distance: 0.1,
      loss: 2.5,
    };
    const journal: string[] = [];
    const before = balance();
    const result = await account.submitData({ ...submission, onSigned: (signed) => void journal.push(signed.digest) });
    expect(journal).toEqual([result.digest]);
    expect(balance()).toBe(before - result.effects.fee.totalFee - 500n * 65n);

    const lost = await account.submitData(submission).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(lost).toBeInstanceOf(ExecutionError);
    expect(lost).toMatchObject({ kind: 'targetNotOpen', code: 'EXECUTION_FAILED', retryable: false });
    expect((lost as ExecutionError).effects.fee.totalFee).toBe(1000n);

    const filled = await client.getTarget(target!.id);
    expect(filled).toMatchObject({
      status: 'filled',
      submitter: account.address,
      winningModelId: target!.modelIds[0],
      bondShannons: 32_500n,
      dataUrl: submission.manifest.url,
    });
    expect(await client.fetchSubmissionData(target!.id)).toEqual(data);
    expect((await client.listTargets({ status: 'filled', submitter: account.address })).targets.length).toBe(1);

    await expect(account.claimRewards({ targetId: target!.id })).rejects.toMatchObject({
      kind: 'auditWindowOpen',
      retryable: true,
      data: { fill_epoch: '1', current_epoch: '1' },
    });
    await client.advanceEpoch();
    await client.advanceEpoch();
    const { targets } = await client.listTargets({ status: 'claimable', submitter: account.address });
    expect(targets.map((each) => each.status)).toEqual(['claimable']);
    const beforeClaim = balance();
    const claim = await account.claimRewards({ targetId: target!.id });
    expect(balance() - beforeClaim).toBeGreaterThan(32_500n);
    await expect(client.getTarget(target!.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(claim.effects.changedObjects.filter((change) => change.idOperation === 'created').length).toBe(4);
  });

  it('sends what validators send', async () => {
    const validator = client.account(fixture.devnet.validators[0]!);
    const [model] = await client.getActiveModels();
    await validator.reportModel({ modelId: model!.id });
    expect((await client.getSystemState()).modelReports.get(model!.id)).toEqual([validator.address]);
    await validator.undoReportModel({ modelId: model!.id });
    await expect(validator.undoReportModel({ modelId: model!.id })).rejects.toMatchObject({
      kind: 'reportRecordNotFound',
    });
    await expect(validator.reportValidator({ reportee: validator.address })).rejects.toMatchObject({
      kind: 'cannotReportOneself',
    });
    await expect(validator.undoReportValidator({ reportee: validator.address })).rejects.toBeInstanceOf(ExecutionError);
    await validator.setCommissionRate({ newRateBps: 300 });
    const { validators } = await client.getSystemState();
    expect(validators.active[0]).toMatchObject({ nextEpochCommissionRate: 300n });
    await expect(account.reportModel({ modelId: model!.id })).rejects.toMatchObject({ kind: 'notAValidator' });
    const [target] = await client.getTargets({ limit: 1 });
    await expect(validator.reportSubmission({ targetId: target!.id })).rejects.toMatchObject({
      kind: 'targetNotFilled',
    });
    await expect(validator.undoReportSubmission({ targetId: target!.id })).rejects.toBeInstanceOf(ExecutionError);
    await expect(account.removeValidator({ pubkeyBytes: new Uint8Array(96) })).rejects.toMatchObject({
      kind: 'notAValidator',
    });
    await expect(account.updateValidatorMetadata({ nextEpochNetworkAddress: bytesOf(4, 1) })).rejects.toMatchObject({
      kind: 'notAValidator',
    });
  });

  it('tells insufficient funds before and after sending', async () => {
    const poor = client.account(Keypair.fromSecret(new Uint8Array(32).fill(21)));
    await expect(poor.transferCoin({ recipient: STRANGER.address, amountShannons: 1n })).rejects.toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
      details: { availableShannons: 0n },
    });
    // The faucet's coin is found although the pool has been read before.
    await client.requestFaucet(poor.address);
    await poor.transferCoin({ recipient: STRANGER.address, amountShannons: SOMA });
    await expect(poor.transferCoin({ recipient: STRANGER.address, amountShannons: SOMA })).rejects.toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    });
  });

  it('simulates without effect', async () => {
    const before = balance();
    const [target] = await client.getTargets({ limit: 1 });
    const result = await account.simulateKind({ kind: 'claimRewards', targetId: target!.id });
    expect(result.effects.status).toMatchObject({ kind: 'failure', error: { kind: 'targetNotFilled' } });
    await expect(account.simulateKind({ kind: 'claimRewards', targetId: '0x99' })).rejects.toMatchObject({
      code: 'OBJECT_STALE',
      details: { objectId: expect.stringMatching(/99$/) },
    });
    expect(balance()).toBe(before);
  });

  it('signs elsewhere: base64 out, base64 in', async () => {
    const [model] = await client.getActiveModels();
    const built = await account.buildKind({ kind: 'setModelCommissionRate', modelId: model!.id, newRate: 900n });
    // The other machine knows only the text.
    const data = decodeTransactionData(fromBase64(built.base64));
    const signed = await signTransaction(data, Keypair.fromSecret(new Uint8Array(32).fill(7)));
    expect(signed.digest).toBe(built.digest);
    const result = await client.executeAndWait(toBase64(encodeSignedTransaction(signed)));
    expect(result).toMatchObject({ digest: built.digest, effects: { status: { kind: 'success' } } });
    expect(result.checkpoint).toBeGreaterThan(0n);
    // The same bytes again are the same transaction.
    expect((await client.executeTransaction(signed)).effects).toEqual(result.effects);
    await account.pool.refresh();
  });

  it('refuses what the node would take long to refuse, and what it refuses at once', async () => {
    const coins = await client.listCoins(account.address);
    const { balanceShannons: _balance, ...ref } = coins[0]!;
    const kind = { kind: 'claimRewards', targetId: '0x1' } as const;
    const send = async (gasPayment: (typeof ref)[], signer = fixture.keypair) =>
      client.executeTransaction(await signTransaction({ kind, sender: account.address, gasPayment }, signer));
    await expect(send([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(send([ref, ref])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(send([ref], STRANGER)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    await expect(send([{ ...ref, version: ref.version - 1n }])).rejects.toMatchObject({
      code: 'OBJECT_STALE',
      details: { objectId: ref.objectId },
    });
  });
});
