import { create } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type ExecuteTransactionRequest,
  ExecuteTransactionRequestSchema,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { SubmitDataSchema, type Transaction } from '../../../gen/soma/rpc/transaction_pb.js';
import { type SignedTransaction, transactionToRpc, userSignatureToRpc } from '../../chain/index.js';
import { validateTransaction } from './validate-transaction.js';

/** Below this many numbers, writing them one by one is as fast. */
export const WORTH_PACKING = 64;

/**
 * The request that executes a signed transaction.
 *
 * @throws QuarryError `INVALID_ARGUMENT` for what a node would refuse: see `validateTransaction`
 */
export function executionRequest(signed: SignedTransaction, readMask: readonly string[]): ExecuteTransactionRequest {
  validateTransaction(signed.data, signed.bytes.length);
  const transaction = transactionToRpc(signed.data, { digest: signed.digest });
  packEmbedding(transaction);
  return create(ExecuteTransactionRequestSchema, {
    transaction,
    signatures: signed.signatures.map((signature) => userSignatureToRpc(signature)),
    readMask: { paths: [...readMask] },
  });
}

/**
 * Replaces a submission's embedding by the bytes it has on the wire, which the runtime copies. It writes repeated floats
 * one by one otherwise: over a millisecond for 2,048 of them, in the middle of a race.
 */
function packEmbedding({ kind }: Transaction): void {
  const submission = kind?.kind;
  if (submission?.case !== 'submitData' || submission.value.embedding.length < WORTH_PACKING) return;
  const { embedding } = submission.value;
  const floats = new Uint8Array(embedding.length * 4);
  const view = new DataView(floats.buffer);
  for (const [n, value] of embedding.entries()) view.setFloat32(n * 4, value, true);
  const data = new BinaryWriter().bytes(floats).finish();
  submission.value.$unknown = [
    { no: SubmitDataSchema.field.embedding.number, wireType: WireType.LengthDelimited, data },
  ];
  submission.value.embedding = [];
}
