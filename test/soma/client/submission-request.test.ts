import { randomBytes } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ExecuteTransactionRequestSchema } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import {
  digestFromBytes,
  Keypair,
  manifestOf,
  scalarTensor,
  signTransaction,
  type TransactionData,
  vectorTensor,
} from '../../../src/soma/chain/index.js';
import { executionMessage } from '../../../src/soma/client/execute/execution-request.js';
import { submissionRequest } from '../../../src/soma/client/execute/submission-request.js';

const MASK = ['effects', 'balance_changes'];
const signer = Keypair.generate();
const id = (): string => `0x${randomBytes(32).toString('hex')}`;
const coin = (version: bigint) => ({ objectId: id(), version, digest: digestFromBytes(randomBytes(32)) });

function submission(dim: number, version: bigint, sizeBytes: number, path: string, coins = 1): TransactionData {
  const bondCoin = coin(version);
  return {
    kind: {
      kind: 'submitData',
      targetId: id(),
      dataManifest: manifestOf(`https://Example.com/${path}`, new Uint8Array(sizeBytes)),
      modelId: id().toUpperCase().replace('0X', '0x'),
      embedding: vectorTensor(Float32Array.from({ length: dim }, () => Math.random() - 0.5)),
      distanceScore: scalarTensor(0.1),
      lossScore: vectorTensor([3.25]),
      bondCoin,
    },
    sender: signer.address,
    gasPayment: [bondCoin, ...Array.from({ length: coins - 1 }, () => coin(1n))],
  };
}

async function both(data: TransactionData): Promise<{ fast: Uint8Array | undefined; plain: Uint8Array }> {
  const signed = await signTransaction(data, signer);
  const plain = toBinary(ExecuteTransactionRequestSchema, executionMessage(signed, MASK));
  return { fast: submissionRequest(signed, MASK), plain };
}

describe('the request of a submission, written directly', () => {
  it.each([
    [1, 0n, 0, 'a'],
    [16, 1n, 64, 'data/ä ö?x=1#y'],
    [63, 127n, 127, 'b'],
    [64, 128n, 128, 'c'],
    [2048, 0x7fff_ffff_ffff_ffffn, 1024, `data/${'f'.repeat(64)}`],
    [2048, 2n ** 53n, 1_000_000, 'x'.repeat(4_000)],
  ] as const)('is byte for byte what the runtime writes: %i values, version %s', async (dim, version, size, path) => {
    for (const coins of [1, 2, 5]) {
      const { fast, plain } = await both(submission(dim, version, size, path, coins));
      expect(Buffer.compare(fast ?? new Uint8Array(), plain)).toBe(0);
    }
  });

  it('leaves to the runtime what is not a submission of one key', async () => {
    const transfer = await signTransaction(
      {
        kind: { kind: 'transferCoin', coin: coin(1n), amount: 1n, recipient: id() },
        sender: signer.address,
        gasPayment: [coin(1n)],
      },
      signer,
    );
    expect(submissionRequest(transfer, MASK)).toBeUndefined();
    const signed = await signTransaction(submission(16, 1n, 64, 'a'), signer);
    const [signature] = signed.signatures;
    expect(submissionRequest({ ...signed, signatures: [signature!, signature!] }, MASK)).toBeUndefined();
    expect(submissionRequest({ ...signed, signatures: [signature!.subarray(1)] }, MASK)).toBeUndefined();
  });
});
