import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { BadRequestSchema } from '../../../src/gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../../../src/gen/google/rpc/status_pb.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import {
  SubscribeCheckpointsRequestSchema,
  type SubscribeCheckpointsResponse,
  SubscribeCheckpointsResponseSchema,
} from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { TransactionExecutionService } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { decodeCoin } from '../../../src/soma/chain/coin.js';
import { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import { objectDigest } from '../../../src/soma/chain/object.js';
import type { TransactionData } from '../../../src/soma/chain/transaction/index.js';
import { objectFromRpc, transactionFromRpc, transactionToRpc } from '../../../src/soma/chain/wire/index.js';
import { genesisModels } from './genesis-models.js';
import { coinsOf, execute, failure, mask, RawClient } from './raw-client.js';

const alice = Keypair.fromSecret(new Uint8Array(32).fill(1));
const bob = Keypair.fromSecret(new Uint8Array(32).fill(2));
const balances = [5n, 3n, 9n, 7n, 1n].map((each) => each * 1_000_000_000n);
let devnet: Devnet;
let rpc: RawClient;

beforeAll(async () => {
  devnet = await startDevnet({
    seed: 5,
    checkpointIntervalMs: 20,
    readLagMs: 0,
    idleCheckpointMs: 20,
    targetsPerEpoch: 30,
    accounts: [{ address: alice.address, coins: balances }],
    models: genesisModels(bob.address, 4),
  });
  rpc = new RawClient(devnet.rpcUrl);
});
afterAll(async () => {
  rpc.close();
  await devnet.close();
});

describe('reads', () => {
  it('lists coins by ascending balance, page by page, and refuses a foreign page token', async () => {
    const seen: bigint[] = [];
    let pageToken: Uint8Array | undefined;
    let pages = 0;
    do {
      const page = await rpc.call(StateService.method.listOwnedObjects, {
        owner: alice.address,
        pageSize: 2,
        readMask: mask('contents', 'object_type', 'owner'),
        ...(pageToken !== undefined && { pageToken }),
      });
      for (const object of page.objects) {
        expect(object.objectType).toBe('Coin');
        expect(object.owner?.address).toBe(alice.address.slice(2));
        expect(object.objectId).toBeUndefined();
        seen.push(decodeCoin(object.contents!).balance);
      }
      pageToken = page.nextPageToken;
      pages++;
      if (pageToken !== undefined) {
        const foreign = await failure(
          rpc.call(StateService.method.listOwnedObjects, { owner: bob.address, pageToken }),
        );
        expect(foreign.code).toBe('INVALID_ARGUMENT');
      }
    } while (pageToken !== undefined);
    expect(pages).toBe(3);
    expect(seen).toEqual([...balances].sort((a, b) => Number(a - b)));
  });

  it('pages through targets in the order of the index, and insists on the same filters', async () => {
    const ids: string[] = [];
    let pageToken: Uint8Array | undefined;
    do {
      const page = await rpc.call(StateService.method.listTargets, {
        statusFilter: 'OPEN',
        pageSize: 12,
        readMask: mask('id', 'status', 'model_ids'),
        ...(pageToken !== undefined && { pageToken }),
      });
      for (const target of page.targets) {
        expect(target.status).toBe('open');
        expect(target.modelIds).toHaveLength(3);
        expect(target.embedding).toEqual([]);
        expect(target.id).toMatch(/^0x[1-9a-f]/);
        ids.push(target.id!.slice(2).padStart(64, '0'));
      }
      pageToken = page.nextPageToken;
      if (pageToken !== undefined) {
        const other = await failure(rpc.call(StateService.method.listTargets, { statusFilter: 'filled', pageToken }));
        expect(other.message).toBe('page_token parameters do not match request filters');
      }
    } while (pageToken !== undefined);
    expect(ids).toHaveLength(30);
    expect(ids).toEqual([...ids].sort());
    const wrong = await failure(rpc.call(StateService.method.listTargets, { statusFilter: 'new' }));
    expect(wrong.message).toContain("invalid status_filter: 'new'. Must be 'open', 'filled'");
  });

  it('tells claimable targets for expired ones after an epoch change', async () => {
    await devnet.advanceEpoch();
    const expired = await rpc.call(StateService.method.listTargets, { statusFilter: 'expired', pageSize: 1000 });
    expect(expired.targets).toHaveLength(30);
    expect(new Set(expired.targets.map((each) => each.status))).toEqual(new Set(['claimable']));
    const open = await rpc.call(StateService.method.listTargets, { statusFilter: 'open' });
    expect(open.targets).toHaveLength(30);
    expect(open.targets.every((each) => each.generationEpoch === 1n)).toBe(true);
  });

  it('answers masks: default, empty, wildcard and nested', async () => {
    const { getObject, getEpoch } = LedgerService.method;
    const [coin] = await coinsOf(rpc, alice.address);
    const objectId = coin!.objectId;
    const plain = (await rpc.call(getObject, { objectId })).object!;
    expect([plain.objectId, plain.version, plain.digest]).toEqual([objectId.slice(2), 1n, coin!.digest]);
    expect(plain.contents).toBeUndefined();
    const nothing = (await rpc.call(getObject, { objectId, readMask: mask() })).object!;
    expect(nothing.objectId).toBeUndefined();
    const all = (await rpc.call(getObject, { objectId, readMask: mask('*') })).object!;
    expect(objectDigest(objectFromRpc(all, 'object'))).toBe(coin!.digest);
    const { epoch } = await rpc.call(getEpoch, {
      readMask: mask('system_state.parameters.target_embedding_dim', 'epoch'),
    });
    expect(epoch?.systemState?.parameters?.targetEmbeddingDim).toBe(16n);
    expect(epoch?.systemState?.parameters?.baseFee).toBeUndefined();
    expect(epoch?.systemState?.modelRegistry).toBeUndefined();
    const config = await rpc.call(getEpoch, { readMask: mask('protocol_config') });
    expect(config.epoch?.protocolConfig?.attributes['target_initial_distance_threshold']).toBe('1.05');
    expect(config.epoch?.protocolConfig?.attributes['model_architecture_version']).toBe('1');
  });

  it('reports missing objects alone and in batches', async () => {
    const gone = await failure(rpc.call(LedgerService.method.getObject, { objectId: '0xabc' }));
    expect(gone.code).toBe('NOT_FOUND');
    expect(gone.message).toBe(`Object 0x${'abc'.padStart(64, '0')} not found`);
    const batch = await rpc.call(LedgerService.method.batchGetObjects, {
      requests: [{ objectId: '0x5' }, { objectId: 'zz' }, {}],
    });
    expect(batch.objects.map((each) => each.result.case)).toEqual(['object', 'error', 'error']);
    const status = batch.objects[2]!.result.value!;
    const [detail] = fromBinary(StatusSchema, toBinary(StatusSchema, status as never)).details;
    expect(detail?.typeUrl).toBe('/google.rpc.BadRequest');
    const [violation] = fromBinary(BadRequestSchema, detail!.value).fieldViolations;
    expect([violation?.field, violation?.reason]).toEqual(['requests[2].object_id', 'FIELD_MISSING']);
  });

  it('streams checkpoints without gaps, and has the transactions in them', async () => {
    const bytes = toBinary(
      SubscribeCheckpointsRequestSchema,
      create(SubscribeCheckpointsRequestSchema, {
        readMask: mask(
          'sequence_number',
          'transactions.digest',
          'transactions.transaction',
          'objects.objects.object_id',
        ),
      }),
    );
    const stream = rpc.stream('/soma.rpc.SubscriptionService/SubscribeCheckpoints', bytes, (each) =>
      fromBinary(SubscribeCheckpointsResponseSchema, each),
    );
    const seen: SubscribeCheckpointsResponse[] = [];
    stream.on('data', (each: SubscribeCheckpointsResponse) => seen.push(each));
    stream.on('error', () => {});
    await new Promise((resolve) => stream.once('metadata', resolve));
    const [coin, gas] = await coinsOf(rpc, alice.address);
    const executed = await execute(
      rpc,
      alice,
      { kind: 'transferCoin', coin: coin!, amount: 5n, recipient: bob.address },
      [gas!],
    );
    const digest = executed.effects!.transactionDigest!;
    const find = () => seen.find((each) => each.checkpoint?.transactions.some((tx) => tx.digest === digest));
    await expect.poll(find, { timeout: 60_000 }).toBeDefined();
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(4);
    stream.cancel();
    const cursors = seen.map((each) => each.cursor!);
    expect(cursors).toEqual(cursors.map((_, index) => cursors[0]! + BigInt(index)));
    const told = find()!.checkpoint!.transactions.find((each) => each.digest === digest)!;
    expect(transactionFromRpc(told.transaction!).sender).toBe(alice.address);
    // Inputs and outputs of three written objects; the created coin has no input.
    expect(find()!.checkpoint!.objects!.objects).toHaveLength(5);

    const known = await rpc.call(LedgerService.method.getTransaction, {
      digest,
      readMask: mask('digest', 'effects', 'checkpoint', 'timestamp', 'balance_changes'),
    });
    expect(known.transaction?.checkpoint).toBe(find()!.cursor);
    const changes = new Map(known.transaction!.balanceChanges.map((each) => [each.address, each.amount]));
    expect(changes.get(bob.address.slice(2))).toBe('5');
    const balance = await rpc.call(StateService.method.getBalance, { owner: bob.address });
    expect(balance.balance).toBe(5n);
    const checkpoint = await rpc.call(LedgerService.method.getCheckpoint, {
      checkpointId: { case: 'sequenceNumber', value: find()!.cursor! },
      readMask: mask('summary', 'signature', 'contents'),
    });
    expect(checkpoint.checkpoint?.contents?.transactions.map((each) => each.transaction)).toContain(digest);
    expect(checkpoint.checkpoint?.signature?.signature).toHaveLength(48);
  });

  it("simulates without signature, with the sender's coins or a made-up one", async () => {
    const { simulateTransaction } = TransactionExecutionService.method;
    const [coin] = await coinsOf(rpc, alice.address);
    const transfer: TransactionData = {
      kind: { kind: 'transferCoin', coin: coin!, amount: 1_000n, recipient: bob.address },
      sender: alice.address,
      gasPayment: [],
    };
    const before = devnet.balanceOf(alice.address);
    const simulated = await rpc.call(simulateTransaction, {
      transaction: transactionToRpc(transfer),
      readMask: mask('transaction.effects'),
    });
    expect(simulated.transaction?.effects?.status?.success).toBe(true);
    expect(simulated.transaction?.effects?.changedObjects.every((each) => each.objectType === 'Coin')).toBe(true);
    expect(devnet.balanceOf(alice.address)).toBe(before);
    const nobody = Keypair.fromSecret(new Uint8Array(32).fill(77));
    const mocked = await rpc.call(simulateTransaction, {
      transaction: transactionToRpc({
        kind: {
          kind: 'claimRewards',
          targetId: [...devnet.targets()].find(([, each]) => each.generationEpoch === 0n)![0],
        },
        sender: nobody.address,
        gasPayment: [],
      }),
      readMask: mask('transaction.effects.status', 'transaction.nonsense'),
    });
    expect(mocked.transaction?.effects?.status?.success).toBe(true);
    const stale = await failure(
      rpc.call(simulateTransaction, {
        transaction: transactionToRpc({ ...transfer, gasPayment: [{ ...coin!, version: 99n }] }),
      }),
    );
    expect(stale.code).toBe('INTERNAL');
    expect(stale.message).toContain('Could not find the referenced object');
  });
});
