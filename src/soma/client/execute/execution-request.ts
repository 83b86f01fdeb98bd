import { create, toBinary } from '@bufbuild/protobuf';
import {
  type ExecuteTransactionRequest,
  ExecuteTransactionRequestSchema,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { type SignedTransaction, transactionToRpc, userSignatureToRpc } from '../../chain/index.js';
import { submissionRequest } from './submission-request.js';
import { validateTransaction } from './validate-transaction.js';

/**
 * Encodes the request that executes a signed transaction.
 *
 * @throws QuarryError `INVALID_ARGUMENT` for anything a node would refuse: see `validateTransaction`
 */
export function executionRequest(signed: SignedTransaction, readMask: readonly string[]): Uint8Array {
  validateTransaction(signed.data, signed.bytes.length);
  return (
    submissionRequest(signed, readMask) ?? toBinary(ExecuteTransactionRequestSchema, executionMessage(signed, readMask))
  );
}

/** The same request as a message of the protobuf runtime. */
export function executionMessage(signed: SignedTransaction, readMask: readonly string[]): ExecuteTransactionRequest {
  return create(ExecuteTransactionRequestSchema, {
    transaction: transactionToRpc(signed.data, { digest: signed.digest }),
    signatures: signed.signatures.map((signature) => userSignatureToRpc(signature)),
    readMask: { paths: [...readMask] },
  });
}
