import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import { PUBLIC_ONLY } from '../../../src/net/index.js';
import { isId, normaliseId, SYSTEM_STATE_OBJECT_ID } from '../../../src/soma/chain/index.js';
import { GrpcError, SomaClient, type Target } from '../../../src/soma/client/index.js';
import { WeightsCache } from '../../../src/weights/weights-cache.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

const ID = /^0x[0-9a-f]{64}$/;
const MISSING = `0x${'ee'.repeat(32)}`;

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('reads against a devnet', () => {
  let fixture: Fixture;
  let client: SomaClient;
  beforeAll(async () => {
    fixture = await startFixture({ targetsPerEpoch: 30, coins: [5n, 7_000_000_000n, 3_000n] });
    client = fixture.client;
  });
  afterAll(() => fixture.close());

  it('knows the network by name, and says when there is none', async () => {
    await expect(SomaClient.connect({ network: 'mainnet' as 'testnet' })).rejects.toMatchObject({
      code: 'UNKNOWN_NETWORK',
    });
    await expect(SomaClient.connect({ url: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      exitCode: 4,
    });
  });

  it('asks the node what it is', async () => {
    const headers: Record<string, string>[] = [];
    const other = await fixture.connect({ onHeaders: (each) => headers.push({ ...each }) });
    expect(await other.getServiceInfo()).toMatchObject({
      chain: 'localnet',
      epoch: 0n,
      chainId: fixture.devnet.chainId,
    });
    expect(headers[0]).toMatchObject({ 'x-soma-chain': 'localnet', 'x-soma-epoch': '0' });
    other.close();
  });

  it('lists targets with every field in normal form', async () => {
    const { targets, nextPageToken } = await client.listTargets();
    expect(targets.length).toBe(30);
    expect(nextPageToken).toBeUndefined();
    for (const target of targets) {
      expect(target.id).toMatch(ID);
      expect(target.status).toBe('open');
      expect(target.embedding).toBeInstanceOf(Float32Array);
      expect(target.embedding.length).toBe(16);
      expect(target.modelIds.every((id) => ID.test(id))).toBe(true);
      expect(target.rewardPoolShannons).toBeGreaterThan(0n);
      expect(target.distanceThreshold).toBe(2);
    }
    expect(await client.getTargets({ limit: 5 })).toEqual(targets.slice(0, 5));
    expect(await client.getTarget(targets[3]!.id)).toEqual(targets[3]);
  });

  it('walks pages by hand and by iterator', async () => {
    const whole = (await client.listTargets()).targets;
    const byHand: Target[] = [];
    let pageToken: Uint8Array | undefined;
    do {
      const page = await client.listTargets({ limit: 7, ...(pageToken !== undefined && { pageToken }) });
      expect(page.targets.length).toBeLessThanOrEqual(7);
      byHand.push(...page.targets);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    expect(byHand).toEqual(whole);
    expect(await collect(client.listAllTargets({ limit: 4 }))).toEqual(whole);
  });

  it('refuses a token under other filters, an unknown status and an unknown path', async () => {
    const { nextPageToken } = await client.listTargets({ limit: 2 });
    const invalid = { code: 'INVALID_ARGUMENT' };
    await expect(client.listTargets({ limit: 2, epoch: 0n, pageToken: nextPageToken! })).rejects.toMatchObject(invalid);
    await expect(client.listTargets({ status: 'nonsense' as 'open' })).rejects.toMatchObject(invalid);
    await expect(client.listTargets({ readMask: ['nonsense'] })).rejects.toMatchObject(invalid);
  });

  it('reads only what a mask names', async () => {
    const [target] = (await client.listTargets({ readMask: 'reward_pool, status', limit: 1 })).targets;
    expect(target).toMatchObject({ id: expect.stringMatching(ID), status: 'open' });
    expect(target?.rewardPoolShannons).toBeGreaterThan(0n);
    expect(target?.embedding).toBeUndefined();
    expect(target?.modelIds).toBeUndefined();
  });

  it('filters by status, epoch and submitter', async () => {
    expect((await client.listTargets({ status: 'filled' })).targets).toEqual([]);
    expect((await client.listTargets({ status: 'any' })).targets.length).toBe(30);
    expect((await client.listTargets({ epoch: 3n })).targets).toEqual([]);
    expect((await client.listTargets({ submitter: fixture.keypair.address })).targets).toEqual([]);
  });

  it('keeps model manifests aligned with the ids asked for', async () => {
    const models = await client.getActiveModels();
    expect(models.length).toBe(3);
    const ids = models.map((model) => model.id);
    const manifests = await client.getModelManifests([ids[2]!, MISSING, ids[0]!.replace(/^0x0*/, '0x')]);
    expect(manifests.map((manifest) => manifest?.modelId)).toEqual([ids[2], undefined, ids[0]]);
    const [target] = await client.getTargets({ limit: 1 });
    const ofTarget = await client.getModelManifests(target!);
    expect(ofTarget.map((manifest) => manifest?.modelId)).toEqual(target!.modelIds);
    expect(ofTarget[0]?.decryptionKey?.length).toBe(32);
  });

  it('fetches weights from their URL, then through the node, and trusts neither', async () => {
    const models = await client.getModels();
    const model = models.find((each) => each.manifest!.url.endsWith('/weights/1'))!;
    const good = fixture.weights[1]!;
    expect(await client.fetchModel(model.id)).toEqual(good);
    const streamed = await collect(client.streamModel(model.id));
    expect(Buffer.concat(streamed).equals(good)).toBe(true);

    fixture.hosted.set('/weights/1', good.slice(0, -1));
    await expect(client.fetchModel(model.id)).rejects.toBeInstanceOf(QuarryError);
    fixture.hosted.set(
      '/weights/1',
      Uint8Array.from(good, (byte, index) => (index === 777 ? byte ^ 1 : byte)),
    );
    const wrong = collect(client.streamModel(model.id));
    await expect(wrong).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    fixture.hosted.set('/weights/1', Buffer.concat([good, Buffer.of(1)]));
    await expect(collect(client.streamModel(model.id))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    fixture.hosted.set('/weights/1', good);
    await expect(client.fetchModel(model.id, { maxBytes: 1000 })).rejects.toMatchObject({ code: 'DATA_TOO_LARGE' });
    await expect(client.fetchModel(MISSING)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const [target] = await client.getTargets({ limit: 1 });
    await expect(client.fetchSubmissionData(target!.id)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  it("takes weights through the user's own fullnode in a private network, and follows no stranger there", async () => {
    // Loopback stands for the private network: nothing but the fullnode itself may be dialled.
    const mine = await fixture.connect({ addressPolicy: PUBLIC_ONLY, fallbackUrls: [`${fixture.devnet.rpcUrl}/`] });
    const [model] = await mine.getModels();
    const manifest = model!.manifest!;
    const good = fixture.weights[Number(manifest.url.at(-1))]!;
    expect(await mine.fetchModel(model!.id)).toEqual(good);
    const dir = await mkdtemp(join(tmpdir(), 'quarry-private-'));
    const cache = new WeightsCache({ dir }, { http: mine.context.manifestHttp });
    const weights = {
      url: manifest.url,
      checksum: bytesToHex(manifest.checksum),
      sizeBytes: good.length,
      decryptionKey: new Uint8Array(32),
    };
    // All bytes came and matched; as the fixture's are no weights, it ends there.
    const through = cache.open(weights, { fallbacks: mine.modelProxies(model!.id) });
    await expect(through).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
    // A manifest that names the fullnode's own address is a stranger's URL all the same.
    const url = `${fixture.devnet.rpcUrl}/model/${model!.id}`;
    await expect(cache.open({ ...weights, url })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    await rm(dir, { recursive: true });
    mine.close();
  });

  it('reads the system state, its parameters, epochs and protocol constants', async () => {
    const state = await client.getSystemState();
    expect(state.epoch).toBe(0n);
    expect(state.parameters.targetEmbeddingDim).toBe(16n);
    expect(state.models.size).toBe(3);
    expect([...state.models.keys()].every((id) => ID.test(id))).toBe(true);
    expect(state.validators.active.length).toBe(1);
    expect(state.targetState.distanceThreshold).toBe(2);
    const epoch = await client.getEpoch();
    expect(epoch).toMatchObject({ epoch: 0n, firstCheckpoint: 0n, lastCheckpoint: undefined, systemState: undefined });
    expect(epoch.protocolConfig?.protocolVersion).toBe(5n);
    const constants = await client.getProtocolConfig();
    expect(constants.attributes.get('model_architecture_version')).toBe('1');
    await expect(client.getEpoch({ epoch: 99n })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lists coins richest first although the node lists them the other way', async () => {
    const page = await client.listOwnedObjects({ owner: fixture.keypair.address, objectType: 'Coin', limit: 2 });
    expect(page.objects.length).toBe(2);
    expect(page.nextPageToken).toBeDefined();
    const coins = await client.listCoins(fixture.keypair.address, {});
    expect(coins.map((coin) => coin.balanceShannons)).toEqual([7_000_000_000n, 3_000n, 5n]);
    expect(await client.getBalance(fixture.keypair.address)).toBe(7_000_003_005n);
    expect(await client.getBalance(MISSING)).toBe(0n);
    expect((await client.listStakes(fixture.keypair.address)).every((stake) => isId(stake.poolId))).toBe(true);
  });

  it('reads objects one by one and in batches', async () => {
    const state = await client.getObject('0x5');
    expect(state).toMatchObject({ objectId: SYSTEM_STATE_OBJECT_ID, type: 'SystemState', owner: { kind: 'shared' } });
    await expect(client.getObject(MISSING)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const [found, missing] = await client.batchGetObjects(['0x5', { objectId: MISSING }]);
    expect(found).toEqual(await client.getObject(SYSTEM_STATE_OBJECT_ID));
    expect(missing).toBeInstanceOf(GrpcError);
    expect(missing).toMatchObject({ code: 'NOT_FOUND' });
    const [target] = await client.getTargets({ limit: 1 });
    const stored = await client.getStoredTarget(target!.id);
    expect(stored.target.embedding.values).toEqual(target!.embedding);
    expect(stored.target.modelIds).toEqual(target!.modelIds);
    await expect(client.getStoredTarget('0x5')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('reads checkpoints and transactions', async () => {
    const genesis = await client.getCheckpoint(0n, { readMask: ['summary', 'transactions.digest'] });
    expect(genesis.summary).toMatchObject({ epoch: 0n, sequenceNumber: 0n, previousDigest: undefined });
    const digest = genesis.transactions[0]?.digest;
    const transaction = await client.getTransaction(digest!);
    expect(transaction).toMatchObject({ digest, checkpoint: 0n, effects: { status: { kind: 'success' } } });
    expect((await client.getCheckpoint('latest')).sequenceNumber).toBeGreaterThanOrEqual(0n);
    await expect(client.getCheckpoint(10_000_000n)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const unknown = '3VmUkwUKY5vzShwiRPUq21EnGdck6shhwwhrGj3AXaPe';
    await expect(client.getTransaction(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const both = await client.batchGetTransactions([unknown, digest!]);
    expect(both[0]).toMatchObject({ code: 'NOT_FOUND' });
    expect(both[1]).toEqual(transaction);
  });

  it('says which service is missing', async () => {
    expect(() => client.scoring).toThrowError(expect.objectContaining({ code: 'CONFIG_MISSING' }));
    const [coin] = await client.requestFaucet(normaliseId('0x77'));
    expect(coin?.amountShannons).toBe(2_000_000_000n);
    expect(await client.getBalance('0x77')).toBe(2_000_000_000n);
  });
});
