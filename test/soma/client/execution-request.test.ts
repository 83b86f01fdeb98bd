import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ExecuteTransactionRequestSchema } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import {
  digestFromBytes,
  encodeTransactionData,
  Keypair,
  manifestOf,
  scalarTensor,
  signTransaction,
  transactionFromRpc,
  vectorTensor,
} from '../../../src/soma/chain/index.js';
import { executionMessage, executionRequest } from '../../../src/soma/client/execute/execution-request.js';
import { warmUpSubmitPath } from '../../../src/soma/client/execute/warm-up-submit-path.js';

async function signedSubmission(dim: number) {
  const signer = Keypair.generate();
  const coin = { objectId: `0x${'ab'.repeat(32)}`, version: 7n, digest: digestFromBytes(new Uint8Array(32).fill(3)) };
  const embedding = Float32Array.from({ length: dim }, (_, n) => Math.sin(n) / 3);
  return signTransaction(
    {
      kind: {
        kind: 'submitData',
        targetId: `0x${'01'.repeat(32)}`,
        dataManifest: manifestOf('http://localhost/data', new Uint8Array(1024)),
        modelId: `0x${'02'.repeat(32)}`,
        embedding: vectorTensor(embedding),
        distanceScore: scalarTensor(0.25),
        lossScore: vectorTensor([1.5]),
        bondCoin: coin,
      },
      sender: signer.address,
      gasPayment: [coin],
    },
    signer,
  );
}

// By the writer for submissions, and by the runtime, which takes what that one leaves to it.
test.each([
  [1, executionRequest],
  [2048, executionRequest],
  [1, executionMessage],
  [2048, executionMessage],
] as const)('a node reads the signed bytes of a submission of width %i, %o', async (dim, write) => {
  const signed = await signedSubmission(dim);
  const request = write(signed, ['effects']);
  const wire = request instanceof Uint8Array ? request : toBinary(ExecuteTransactionRequestSchema, request);
  const { transaction, signatures } = fromBinary(ExecuteTransactionRequestSchema, wire);
  expect(encodeTransactionData(transactionFromRpc(transaction!))).toEqual(signed.bytes);
  expect(signatures).toHaveLength(1);
});

test('a transaction that consensus would not take is refused here', async () => {
  const signed = await signedSubmission(70_000);
  expect(() => executionRequest(signed, [])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

test('a warm-up ends when it is aborted', async () => {
  await warmUpSubmitPath(16);
  await expect(warmUpSubmitPath(16, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
});
