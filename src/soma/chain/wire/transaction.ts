import { create } from '@bufbuild/protobuf';
import { type Transaction as RpcTransaction, TransactionSchema } from '../../../gen/soma/rpc/transaction_pb.js';
import type { Digest } from '../digest.js';
import { type TransactionData, transactionDigest } from '../transaction/index.js';
import { transactionKindFromRpc } from './transaction-kind-from-rpc.js';
import { transactionKindToRpc } from './transaction-kind-to-rpc.js';
import { objectRefFromRpc, objectRefToRpc } from './values.js';
import { type IdStyle, plainId, requiredId } from './wire-error.js';

/** Options of {@link transactionToRpc}. */
export interface TransactionToRpcOptions {
  /** The digest, if already known. */
  readonly digest?: Digest | undefined;
  /** `normal` for requests, `plain` for a fullnode's responses. */
  readonly ids?: IdStyle | undefined;
}

/**
 * Converts a transaction to a structured message from which a fullnode rebuilds exactly the signed bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the RPC cannot express the transaction
 */
export function transactionToRpc(data: TransactionData, options: TransactionToRpcOptions = {}): RpcTransaction {
  const style = options.ids ?? 'normal';
  return create(TransactionSchema, {
    digest: options.digest ?? transactionDigest(data),
    kind: transactionKindToRpc(data.kind, style),
    sender: plainId(data.sender, style),
    gasPayment: data.gasPayment.map((coin) => objectRefToRpc(coin, style)),
  });
}

/**
 * Converts a message to a transaction. Ignores its digest field.
 *
 * @throws WireError when a field is missing or unreadable
 */
export function transactionFromRpc(message: RpcTransaction): TransactionData {
  return {
    kind: transactionKindFromRpc(message.kind),
    sender: requiredId(message.sender, 'sender'),
    gasPayment: message.gasPayment.map((coin, index) => objectRefFromRpc(coin, `gas_payment[${index}]`)),
  };
}
