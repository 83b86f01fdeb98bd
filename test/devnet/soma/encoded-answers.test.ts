import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import {
  SubscribeCheckpointsRequestSchema,
  SubscriptionService,
} from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { TransactionExecutionService } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import { manifestOf } from '../../../src/soma/chain/manifest.js';
import { scalarTensor, vectorTensor } from '../../../src/soma/chain/tensor.js';
import type { TransactionData } from '../../../src/soma/chain/transaction/index.js';
import { transactionToRpc } from '../../../src/soma/chain/wire/index.js';
import { until } from '../../until.js';
import { genesisModels } from './genesis-models.js';
import { coinsOf, execute, failure, mask, RawClient } from './raw-client.js';

/** A message that the devnet wrote. */
interface Written {
  readonly typeName: string;
  readonly bytes: Buffer;
  /** What the runtime writes of it. */
  readonly byRuntime: Buffer;
  /** Whether it was written without the runtime. */
  readonly isQuick: boolean;
}

const { written } = vi.hoisted(() => ({ written: [] as Written[] }));

// The real ones: calls of the first are counted, and the second keeps what it wrote.
vi.mock('@bufbuild/protobuf', async (importOriginal) => {
  const real = await importOriginal<typeof import('@bufbuild/protobuf')>();
  return { ...real, toBinary: vi.fn(real.toBinary) };
});
vi.mock('../../../src/devnet/soma/rpc/encode-message.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../../src/devnet/soma/rpc/encode-message.js')>();
  const encodeMessage: typeof real.encodeMessage = (schema, message) => {
    const { calls } = vi.mocked(toBinary).mock;
    const before = calls.length;
    const bytes = real.encodeMessage(schema, message);
    const isQuick = calls.length === before;
    written.push({ typeName: schema.typeName, bytes, byRuntime: Buffer.from(toBinary(schema, message)), isQuick });
    return bytes;
  };
  return { encodeMessage };
});

const alice = Keypair.fromSecret(new Uint8Array(32).fill(1));
const bob = Keypair.fromSecret(new Uint8Array(32).fill(2));
let devnet: Devnet;
let rpc: RawClient;

beforeAll(async () => {
  devnet = await startDevnet({
    seed: 5,
    checkpointIntervalMs: 20,
    readLagMs: 0,
    idleCheckpointMs: 20,
    targetsPerEpoch: 20,
    auditShare: 0,
    validators: 3,
    accounts: [{ address: alice.address, coins: [1n, 2n, 3n, 4n].map((each) => each * 1_000_000_000n) }],
    models: genesisModels(bob.address, 3),
  });
  rpc = new RawClient(devnet.rpcUrl);
});
afterAll(async () => {
  rpc.close();
  await devnet.close();
});

/** A submission whose scores are taken on trust. */
async function submissionTo(targetId: string): Promise<TransactionData> {
  const [gas, bondCoin] = await coinsOf(rpc, alice.address);
  const { modelIds, embedding } = devnet.targets().get(targetId)!;
  return {
    kind: {
      kind: 'submitData',
      targetId,
      dataManifest: manifestOf('http://127.0.0.1:1/data', new Uint8Array(100)),
      modelId: modelIds[0]!,
      embedding: vectorTensor(embedding.values),
      distanceScore: scalarTensor(0),
      lossScore: scalarTensor(1.5),
      bondCoin: bondCoin!,
    },
    sender: alice.address,
    gasPayment: [gas!],
  };
}

it('writes everything that it sends as the runtime does, without it', async () => {
  const all = mask('*');
  const { getCheckpoint, getEpoch, getObject, getTransaction, getServiceInfo } = LedgerService.method;
  const request = create(SubscribeCheckpointsRequestSchema, { readMask: all });
  const stream = rpc.stream(
    '/soma.rpc.SubscriptionService/SubscribeCheckpoints',
    toBinary(SubscribeCheckpointsRequestSchema, request),
    (each) => each,
  );
  stream.on('data', () => {});
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('metadata', resolve));

  const { simulateTransaction } = TransactionExecutionService.method;
  const [targetId] = [...devnet.targets()].find(([, { status }]) => status.kind === 'open')!;
  const data = await submissionTo(targetId);
  const simulated = await rpc.call(simulateTransaction, { transaction: transactionToRpc(data), readMask: all });
  expect(simulated.transaction?.effects?.status?.success).toBe(true);
  const submitted = await execute(rpc, alice, data.kind, data.gasPayment);
  expect(submitted.effects?.status?.success).toBe(true);
  const late = await submissionTo(targetId);
  const failed = await execute(rpc, alice, late.kind, late.gasPayment);
  expect(failed.effects?.status?.error?.description).toBeDefined();
  await devnet.advanceEpoch();

  const digest = submitted.effects!.transactionDigest!;
  const place = await until(
    async () => (await rpc.call(getTransaction, { digest, readMask: all })).transaction?.checkpoint,
    'the checkpoint of the submission',
  );
  const { batchGetTransactions, batchGetObjects } = LedgerService.method;
  await rpc.call(batchGetTransactions, { digests: [digest, 'none'], readMask: all });
  await rpc.call(batchGetObjects, { requests: [{ objectId: '0x5' }, { objectId: 'none' }, {}], readMask: all });
  await rpc.call(getObject, { objectId: '0x5', readMask: all });
  const checkpointId = { case: 'sequenceNumber', value: place } as const;
  const { checkpoint } = await rpc.call(getCheckpoint, { checkpointId, readMask: all });
  expect(checkpoint?.transactions.some((each) => each.digest === digest)).toBe(true);
  for (const epoch of [0n, 1n]) await rpc.call(getEpoch, { epoch, readMask: all });
  await rpc.call(getServiceInfo, {});

  const { listTargets, listOwnedObjects, getTarget, getBalance, getChallenge, listChallenges } = StateService.method;
  for (const statusFilter of ['open', 'filled', 'expired'])
    await rpc.call(listTargets, { statusFilter, pageSize: 7, readMask: all });
  await rpc.call(listOwnedObjects, { owner: alice.address, pageSize: 2, readMask: all });
  await rpc.call(getTarget, { targetId, readMask: all });
  await rpc.call(getBalance, { owner: alice.address });
  await until(
    () => written.filter(({ typeName }) => typeName.includes('SubscribeCheckpoints')).length > 5,
    'the stream',
  );
  stream.cancel();

  for (const { typeName, bytes, byRuntime, isQuick } of written) {
    expect(isQuick, typeName).toBe(true);
    expect(bytes.equals(byRuntime), typeName).toBe(true);
  }
  // Without an answer: methods of what the network has removed.
  for (const removed of [getChallenge, listChallenges]) {
    expect((await failure(rpc.call(removed as typeof getChallenge, {}))).code).toBe('UNIMPLEMENTED');
  }
  const services = [LedgerService, StateService, SubscriptionService, TransactionExecutionService];
  const answers = services.flatMap(({ methods }) => methods.map(({ output }) => output.typeName));
  const seen = new Set(written.map(({ typeName }) => typeName));
  expect(answers.filter((typeName) => !seen.has(typeName))).toEqual([
    getChallenge.output.typeName,
    listChallenges.output.typeName,
  ]);
});
