import { setTimeout as delay } from 'node:timers/promises';
import {
  blake2b256,
  cryptWeights,
  digestFromBytes,
  encodeSignedTransaction,
  encodeTransactionData,
  manifestOf,
  signTransaction,
  type Target,
} from '../../src/soma/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type ConformanceNetwork, keyOf } from './conformance-network.js';
import { Named } from './official-sdk.js';
import { systemState } from './reads.js';
import {
  sdkActiveModel,
  sdkEffects,
  sdkModelManifest,
  sdkObject,
  sdkTarget,
  sdkTargetWithoutUrl,
  shortId,
} from './sdk-shapes.js';

const CONFIG = MODEL_CONFIGS.small;
/** Nobody has these addresses' keys. The SDK picks coins at random, so that its own account must not get small ones. */
const STRANGER = `0x${'ab'.repeat(32)}`;
const ANOTHER = `0x${'cd'.repeat(32)}`;

/** Everything that changes the chain, by both clients in turn. */
export async function actions(network: ConformanceNetwork): Promise<void> {
  await coins(network);
  await rawTransactions(network);
  await stakes(network);
  const models = await publish(network);
  await targets(network);
  await retire(network, models);
}

async function coins(network: ConformanceNetwork): Promise<void> {
  const { client, compare, alice, bob, sdk } = network;
  const account = client.account(bob);
  const given = (await sdk.call('client', 'request_faucet', { args: [STRANGER] })) as never as {
    status: string;
    coins_sent: { amount: bigint; id: string }[];
  };
  const [coin] = given.coins_sent;
  const seen = (await client.getObject(coin!.id)).owner;
  const what = [given.status, coin!.amount, { kind: 'address', address: STRANGER }];
  compare.value('request_faucet', 'a stranger', what, ['Success', 2_000_000_000n, seen]);

  await network.sdkSends('transfer_coin', [STRANGER, 0.5]);
  await network.weSend('transferCoin', account.transferCoin({ recipient: STRANGER, amountShannons: 500_000_000n }));
  await network.sdkSends('pay_coins', [
    [STRANGER, ANOTHER, bob.address],
    [0.1, 0.2, 0.3],
  ]);
  await network.weSend(
    'payCoins',
    account.payCoins({
      payments: [
        { recipient: STRANGER, amountShannons: 100_000_000n },
        { recipient: ANOTHER, amountShannons: 200_000_000n },
      ],
    }),
  );
  const poorest = async (owner: string) =>
    (await client.listOwnedObjects({ owner, objectType: 'Coin' })).objects[0]!.objectId;
  await network.sdkSends('transfer_objects', [STRANGER, [await poorest(alice.address)]]);
  await network.weSend(
    'transferObjects',
    account.transferObjects({ recipient: STRANGER, objectIds: [await poorest(bob.address)] }),
  );
  await network.sdkSends('merge_coins', []);
  await network.weSend('mergeCoins', client.account(keyOf('carol')).mergeCoins());
  for (const owner of [STRANGER, alice.address, bob.address]) {
    await compare.same(
      'get_balance',
      { args: [owner], called: 'after transfers' },
      async () => Number(await client.getBalance(owner)) / 1e9,
    );
  }
  await compare.refused(
    'transfer_coin',
    {
      args: [new Named('alice'), STRANGER, 5_000_000],
      called: 'more than there is',
      raises: 'RuntimeError',
      code: 'INSUFFICIENT_FUNDS',
    },
    () => account.transferCoin({ recipient: STRANGER, amountShannons: 5_000_000_000_000_000n }),
  );
}

/** Bytes that one side makes and the other signs, simulates and executes. */
async function rawTransactions({ client, compare, bob }: ConformanceNetwork): Promise<void> {
  const unsigned = await client.account(bob).buildKind({ kind: 'undoReportModel', modelId: STRANGER });
  const transfer = await transferBytes();
  const signed = await signTransaction(transfer.data, bob);
  await compare.same('Keypair.sign', { on: 'bob', args: [transfer.bytes], called: 'our bytes' }, () =>
    encodeSignedTransaction(signed),
  );
  await compare.same('simulate_transaction', { args: [transfer.bytes], called: 'our bytes' }, async () =>
    sdkEffects((await client.simulateTransaction(transfer.data)).effects),
  );
  await compare.same(
    'execute_transaction',
    { args: [encodeSignedTransaction(signed)], called: 'signed by us' },
    async () => {
      await client.waitForTransaction(signed.digest);
      return sdkEffects((await client.getTransaction(signed.digest)).effects!);
    },
  );
  await compare.refused(
    'execute_transaction',
    {
      args: [encodeSignedTransaction(await signTransaction(unsigned.data, keyOf('mallory')))],
      called: 'signed by a stranger',
      raises: 'RuntimeError',
      code: 'SIGNATURE_INVALID',
    },
    async () => client.executeTransaction(await signTransaction(unsigned.data, keyOf('mallory'))),
  );

  async function transferBytes() {
    await client.account(bob).pool.refresh();
    const [richest] = (
      await client.listOwnedObjects({ owner: bob.address, objectType: 'Coin', limit: 1000 })
    ).objects.slice(-1);
    const { objectId, version, digest } = richest!;
    const ref = { objectId, version, digest };
    const kind = { kind: 'transferCoin', coin: ref, amount: 1_000_000n, recipient: STRANGER } as const;
    const data = { kind, sender: bob.address, gasPayment: [ref] };
    return { data, bytes: encodeTransactionData(data) };
  }
}

async function stakes(network: ConformanceNetwork): Promise<void> {
  const { client, compare, alice, bob, devnet } = network;
  const account = client.account(bob);
  await account.pool.refresh();
  const validator = devnet.validators[0]!.address;
  await network.sdkSends('add_stake', [validator, 5], { called: '5 SOMA' });
  await network.weSend('addStake', account.addStake({ validator, amountShannons: 5_000_000_000n }));
  await compare.same('list_owned_objects', { args: [alice.address, 'StakedSoma'], called: 'stakes' }, async () => {
    const { objects } = await client.listOwnedObjects({ owner: alice.address, objectType: 'StakedSoma' });
    return objects.map(sdkObject);
  });
  const [theirs] = await client.listStakes(alice.address);
  const [ours] = await client.listStakes(bob.address);
  await network.sdkSends('withdraw_stake', [theirs!.objectId]);
  await network.weSend('withdrawStake', account.withdrawStake({ stakedSomaId: ours!.objectId }));
}

interface PublishedModel {
  readonly id: string;
  readonly encrypted: Uint8Array;
}

/** Two models by the SDK, one by us; targets name all three. */
async function publish(network: ConformanceNetwork): Promise<readonly PublishedModel[]> {
  const { client, compare, devnet, alice, bob, sdk } = network;
  const account = client.account(bob);
  const made: {
    id: string;
    url: string;
    encrypted: Uint8Array;
    key: Uint8Array;
    embedding: number[];
    signer: string;
  }[] = [];
  for (const [index, signer] of ['alice', 'alice', 'bob'].entries()) {
    const key = blake2b256(Uint8Array.of(index));
    const encrypted = cryptWeights(generateWeightsBytes(CONFIG, BigInt(index + 1)), key);
    const url = devnet.putBlob(`weights-${index}`, encrypted);
    const embedding = Array.from({ length: CONFIG.embeddingDim }, (_, axis) => Math.fround(Math.sin(index * 7 + axis)));
    let id: string;
    if (signer === 'alice') {
      const args = [new Named('alice'), 1_000n, ...(index === 0 ? [] : [2.5])];
      id = String(
        await compare.same(
          'create_model',
          { args, called: index === 0 ? 'least stake' : '2.5 SOMA' },
          async (theirs) => {
            const model = (await client.getModels()).find((each) => each.id === theirs);
            return model?.owner === alice.address && model.state === 'created' ? theirs : null;
          },
          'created, as we see it',
        ),
      );
    } else {
      const created = await account.createModel({ commissionRateBps: 1_000 });
      await network.weSend('createModel', Promise.resolve(created));
      id = created.modelId;
    }
    made.push({ id, url, encrypted, key, embedding, signer });
  }
  for (const { id, url, encrypted, key, embedding, signer } of made) {
    if (signer === 'alice')
      await network.sdkSends('commit_model', [id, url, encrypted, digestFromBytes(key), embedding]);
    else {
      const manifest = manifestOf(url, encrypted);
      await network.weSend(
        'commitModel',
        account.commitModel({ modelId: id, manifest, decryptionKey: key, embedding: Float32Array.from(embedding) }),
      );
    }
  }
  await systemState(network, 'models committed');
  const [early] = made;
  await compare.refused(
    'reveal_model',
    {
      args: [new Named('alice'), early!.id, digestFromBytes(early!.key), early!.embedding],
      called: 'too early',
      raises: 'RuntimeError',
      code: 'EXECUTION_FAILED',
    },
    () =>
      account.revealModel({
        modelId: made[2]!.id,
        decryptionKey: made[2]!.key,
        embedding: Float32Array.from(made[2]!.embedding),
      }),
  );
  await compare.same('advance_epoch', {}, async () => (await client.getServiceInfo()).epoch);
  for (const { id, key, embedding, signer } of made) {
    if (signer === 'alice') await network.sdkSends('reveal_model', [id, digestFromBytes(key), embedding]);
    else
      await network.weSend(
        'revealModel',
        account.revealModel({ modelId: id, decryptionKey: key, embedding: Float32Array.from(embedding) }),
      );
  }
  const waiting = sdk.call('client', 'wait_for_next_epoch', { args: [30] });
  const watching = client.waitForNextEpoch();
  await delay(300);
  await client.advanceEpoch();
  compare.value('wait_for_next_epoch', 'advanced meanwhile', await waiting, await watching);

  await network.sdkSends('add_stake_to_model', [made[0]!.id, 1.5], { called: '1.5 SOMA' });
  await network.weSend(
    'addStakeToModel',
    account.addStakeToModel({ modelId: made[0]!.id, amountShannons: 1_500_000_000n }),
  );
  await network.sdkSends('set_model_commission_rate', [made[0]!.id, 700n]);
  await network.weSend(
    'setModelCommissionRate',
    account.setModelCommissionRate({ modelId: made[2]!.id, newRateBps: 800 }),
  );
  await network.sdkSends('report_model', [made[2]!.id], { on: 'first' });
  await network.weSend('reportModel', client.account(devnet.validators[1]!).reportModel({ modelId: made[0]!.id }));
  await systemState(network, 'models active and reported');
  await network.sdkSends('undo_report_model', [made[2]!.id], { on: 'first' });
  await network.weSend(
    'undoReportModel',
    client.account(devnet.validators[1]!).undoReportModel({ modelId: made[0]!.id }),
  );
  await compare.same('get_active_models', { called: 'three' }, async () => {
    const byId = [...(await client.getActiveModels())].sort((a, b) => (a.id < b.id ? -1 : 1));
    return byId.map(sdkActiveModel);
  });
  const ids = made.map(({ id }) => id);
  await compare.same('get_model_manifests', { args: [ids], called: 'ids' }, async () =>
    (await client.getModelManifests(ids)).map((manifest) => sdkModelManifest(manifest!)),
  );
  await compare.same(
    'get_model_manifests',
    { args: [[STRANGER, ...ids]], called: 'one unknown: the SDK skips it' },
    async () =>
      (await client.getModelManifests([STRANGER, ...ids])).flatMap((manifest) =>
        manifest ? [sdkModelManifest(manifest)] : [],
      ),
  );
  for (const { id, encrypted } of made) {
    await compare.same('fetch_model', { args: [id] }, async () => {
      const bytes = await client.fetchModel(id);
      return Buffer.compare(bytes, encrypted) === 0 ? bytes : null;
    });
  }
  return made;
}

async function targets(network: ConformanceNetwork): Promise<void> {
  const { client, compare, alice, bob, devnet } = network;
  await listings(network);
  const open = await client.getTargets();
  await compare.same('scoring_health', {}, () => client.scoring.health());
  const hits: {
    target: Target;
    data: Uint8Array;
    url: string;
    modelId: string;
    embedding: Float32Array;
    distance: number;
    loss: number;
  }[] = [];
  for (let sample = 0; hits.length < 3 && sample < 50; sample++) {
    const data = Buffer.from(`sample ${sample} of the conformance run`.repeat(4));
    const url = devnet.putBlob(`sample-${sample}`, data);
    const target = open[sample % open.length]!;
    const manifests = (await client.getModelManifests(target)).map((each) => each!);
    const ask = async () =>
      client.scoring.score({ data: manifestOf(url, data), models: manifests, targetEmbedding: target.embedding });
    if (sample < 2) {
      const kwargs = {
        data_url: url,
        models: manifests.map(sdkModelManifest),
        target_embedding: target.embedding,
        ...(sample === 0
          ? { data }
          : { data_checksum: digestFromBytes(blake2b256(data)), data_size: BigInt(data.length) }),
      };
      await compare.same('score', { kwargs, called: sample === 0 ? 'data' : 'checksum and size' }, async () => {
        const { winner, loss, embedding, distance } = await ask();
        return { winner: BigInt(winner), loss_score: [loss], embedding: Array.from(embedding), distance: [distance] };
      });
    }
    const { winner, loss, embedding } = await ask();
    const modelId = target.modelIds[winner]!;
    const hit = open.find((each) => {
      const taken = hits.some((known) => known.target.id === each.id);
      return (
        !taken && each.modelIds.includes(modelId) && distanceOf(embedding, each.embedding) <= each.distanceThreshold
      );
    });
    if (hit)
      hits.push({ target: hit, data, url, modelId, embedding, distance: distanceOf(embedding, hit.embedding), loss });
  }
  const [first, second, third] = hits;
  if (first === undefined || second === undefined || third === undefined)
    return compare.note('submit_data', 'finding hits', false, 'no three hits in 50 samples');
  const args = ({ target, data, url, modelId, embedding, distance, loss }: typeof first) => [
    target.id,
    data,
    url,
    modelId,
    embedding,
    distance,
    [loss],
  ];
  await network.sdkSends('submit_data', args(first), { called: 'a hit' });
  const account = client.account(bob);
  const submit = (hit: typeof first) =>
    account.submitData({
      targetId: hit.target.id,
      manifest: manifestOf(hit.url, hit.data),
      modelId: hit.modelId,
      embedding: hit.embedding,
      distance: hit.distance,
      loss: hit.loss,
    });
  await network.weSend('submitData', submit(second));
  await network.sdkSends('submit_data', args(third), { called: 'another hit' });
  await compare.refused(
    'submit_data',
    {
      args: [new Named('alice'), ...args(second)],
      called: 'a target that is filled',
      raises: 'RuntimeError',
      code: 'EXECUTION_FAILED',
    },
    () => submit(first),
  );
  for (const { target, data } of [first, second]) {
    await compare.same('fetch_submission_data', { args: [target.id] }, async () => {
      const bytes = await client.fetchSubmissionData(target.id);
      return Buffer.compare(bytes, data) === 0 ? bytes : null;
    });
  }
  await compare.same('get_targets', { kwargs: { status: 'filled' }, called: 'filled' }, async () =>
    (await client.getTargets({ status: 'filled' })).map(sdkTargetWithoutUrl),
  );
  await compare.same('get_object', { args: [first.target.id], called: 'a filled target' }, async () =>
    sdkObject(await client.getObject(first.target.id)),
  );
  await systemState(network, 'targets filled');
  await client.advanceEpoch();
  await network.sdkSends('report_submission', [first.target.id], { on: 'first' });
  await network.weSend(
    'reportSubmission',
    client.account(devnet.validators[1]!).reportSubmission({ targetId: first.target.id }),
  );
  await network.sdkSends('undo_report_submission', [first.target.id], { on: 'first' });
  await network.weSend(
    'undoReportSubmission',
    client.account(devnet.validators[1]!).undoReportSubmission({ targetId: first.target.id }),
  );
  await compare.refused(
    'claim_rewards',
    {
      args: [new Named('alice'), first.target.id],
      called: 'too early',
      raises: 'RuntimeError',
      code: 'EXECUTION_FAILED',
    },
    () => account.claimRewards({ targetId: second.target.id }),
  );
  await client.advanceEpoch();
  const claimable = { claimable: true, submitter: alice.address };
  await compare.same('get_targets', { kwargs: claimable, called: 'claimable, ours' }, async () =>
    (await client.getTargets(claimable)).map(sdkTargetWithoutUrl),
  );
  await compare.same('get_targets', { kwargs: { status: 'expired', limit: 3n }, called: 'expired' }, async () =>
    (await client.getTargets({ status: 'expired', limit: 3 })).map(sdkTargetWithoutUrl),
  );
  await network.sdkSends('claim_rewards', [first.target.id]);
  await network.weSend('claimRewards', account.claimRewards({ targetId: second.target.id }));
  await network.sdkSends('claim_rewards', [third.target.id], { called: 'another' });
  await compare.same(
    'get_balance',
    { args: [alice.address], called: 'after the rewards' },
    async () => Number(await client.getBalance(alice.address)) / 1e9,
  );
}

async function listings({ client, compare }: ConformanceNetwork): Promise<void> {
  const page = (token?: Uint8Array) => client.listTargets({ limit: 7, ...(token && { pageToken: token }) });
  let token: Uint8Array | undefined;
  for (const called of ['first 7', 'next 7']) {
    const kwargs = { limit: 7n, ...(token && { page_token: Buffer.from(token).toString('hex') }) };
    const from = token;
    await compare.same('list_targets', { kwargs, called }, async () => {
      const { targets, nextPageToken } = await page(from);
      token = nextPageToken;
      return {
        targets: targets.map(sdkTarget),
        next_page_token: nextPageToken ? Buffer.from(nextPageToken).toString('hex') : null,
      };
    });
  }
  await compare.same('get_targets', { called: 'default' }, async () =>
    (await client.getTargets()).map(sdkTargetWithoutUrl),
  );
  const { epoch } = await client.getServiceInfo();
  await compare.same('get_targets', { kwargs: { epoch, limit: 5n }, called: 'of this epoch' }, async () =>
    (await client.getTargets({ epoch, limit: 5 })).map(sdkTargetWithoutUrl),
  );
  await compare.same(
    'list_targets',
    { kwargs: { read_mask: 'id,reward_pool', limit: 3n }, called: 'masked' },
    async (theirs) => {
      const { targets, nextPageToken } = await client.listTargets({ readMask: ['id', 'reward_pool'], limit: 3 });
      const [sample] = (theirs as unknown as { targets: Record<string, unknown>[] }).targets;
      return {
        targets: targets.map(({ id, rewardPoolShannons }) => ({
          ...sample,
          id: shortId(id),
          reward_pool: rewardPoolShannons,
        })),
        next_page_token: nextPageToken ? Buffer.from(nextPageToken).toString('hex') : null,
      };
    },
  );
  const [target] = await client.getTargets({ limit: 1 });
  await compare.same('get_model_manifests', { args: [{ model_ids: target!.modelIds }], called: 'a target' }, async () =>
    (await client.getModelManifests(target!)).map((manifest) => sdkModelManifest(manifest!)),
  );
}

/** f64, as the quickstart computes it. */
function distanceOf(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    dot += value * b[i]!;
    aa += value * value;
    bb += b[i]! * b[i]!;
  }
  return 1 - dot / Math.sqrt(aa * bb);
}

async function retire(network: ConformanceNetwork, models: readonly PublishedModel[]): Promise<void> {
  await network.sdkSends('deactivate_model', [models[0]!.id]);
  await network.weSend(
    'deactivateModel',
    network.client.account(network.bob).deactivateModel({ modelId: models[2]!.id }),
  );
  await network.client.advanceEpoch();
  await systemState(network, 'models retired');
}
