import { create } from '@bufbuild/protobuf';
import { ExecutedTransactionSchema } from '../../../gen/soma/rpc/executed_transaction_pb.js';
import {
  SimulateTransactionRequest_TransactionChecks as Checks,
  ExecuteTransactionResponseSchema,
  SimulateTransactionResponseSchema,
  type TransactionExecutionService,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import type { Transaction } from '../../../gen/soma/rpc/transaction_pb.js';
import { ZERO_DIGEST } from '../../../soma/chain/digest.js';
import { OBJECT_ID_MAX } from '../../../soma/chain/id.js';
import { encodeUserSignature } from '../../../soma/chain/keys/user-signature.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import { isSystemKind, type TransactionData, transactionDigest } from '../../../soma/chain/transaction/index.js';
import { transactionFromRpc, userSignatureFromRpc, WireError } from '../../../soma/chain/wire/index.js';
import { InputRejection } from '../ledger/input-rejection.js';
import { kindInputs } from '../ledger/kind-inputs.js';
import { coinBalance, type LedgerObject, refOf } from '../ledger/ledger-object.js';
import type { DevnetNode } from '../node.js';
import type { ServiceHandlers } from './grpc-service.js';
import { transactionMessage } from './messages/transaction-message.js';
import { ReadMask } from './read-mask.js';
import { RpcStatus } from './rpc-status.js';

/** Maximum number of the sender's coins used by a simulation without gas. */
const SIMULATED_GAS_COINS = 100;
/** Balance of a simulation's mock gas coin, in shannons. */
const MOCK_GAS_BALANCE = 1_000_000_000_000_000n;

function parseTransaction(message: Transaction | undefined): TransactionData {
  if (message === undefined) throw RpcStatus.missing('transaction');
  try {
    return transactionFromRpc(message);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw RpcStatus.invalid('transaction', `invalid transaction: ${error.message}`);
  }
}

/** Execution and simulation of transactions. */
export function executionService(
  node: DevnetNode,
  isCongested: () => boolean,
): ServiceHandlers<typeof TransactionExecutionService> {
  return {
    executeTransaction: async (request) => {
      const data = parseTransaction(request.transaction);
      const mask = ReadMask.parse(request.readMask, 'effects', ExecutedTransactionSchema);
      const signatures = request.signatures.map((signature, index) => {
        try {
          return encodeUserSignature(userSignatureFromRpc(signature));
        } catch (error) {
          const detail = error instanceof Error ? error.message : String(error);
          throw RpcStatus.invalid(`signatures[${index}]`, `invalid signature: ${detail}`);
        }
      });
      const executed = await node.submit(data, signatures, isCongested);
      const transaction = transactionMessage(executed, { mask, path: 'execution', withObjects: true });
      return create(ExecuteTransactionResponseSchema, { transaction });
    },
    simulateTransaction: (request) => {
      const given = parseTransaction(request.transaction);
      if (isSystemKind(given.kind.kind)) {
        throw RpcStatus.invalid('transaction', 'invalid transaction: system transactions cannot be simulated');
      }
      const checked = request.checks !== Checks.DISABLED;
      const { data, extra } = withGas(node, given, checked);
      const digest = transactionDigest(data);
      try {
        const outcome = node.ledger.preview(data, digest, extra);
        // Relative to the response, and not validated.
        const mask = ReadMask.parse(request.readMask, '*', undefined).child('transaction');
        if (mask === undefined) return create(SimulateTransactionResponseSchema);
        const told = { ...outcome, digest, data, signatures: [] };
        const transaction = transactionMessage(told, { mask, path: 'execution', withObjects: true });
        return create(SimulateTransactionResponseSchema, { transaction });
      } catch (error) {
        if (error instanceof InputRejection) throw new RpcStatus('INTERNAL', error.message);
        throw error;
      }
    },
  };
}

/** Adds gas to a transaction: its own, or the sender's coins, or a mock coin. */
function withGas(
  node: DevnetNode,
  data: TransactionData,
  checked: boolean,
): { readonly data: TransactionData; readonly extra: readonly LedgerObject[] } {
  if (data.gasPayment.length > 0) return { data, extra: [] };
  const used = new Set(kindInputs(data.kind).owned.map((each) => each.objectId));
  const gasPayment: ObjectRef[] = !checked
    ? []
    : [...node.ledger.objects.ownedBy(data.sender)]
        .filter((each) => each.payload.type === 'Coin' && !used.has(each.objectId))
        .sort((a, b) => (coinBalance(a) < coinBalance(b) ? -1 : 1))
        .slice(0, SIMULATED_GAS_COINS)
        .map(refOf);
  if (gasPayment.length > 0) return { data: { ...data, gasPayment }, extra: [] };
  const mock: LedgerObject = {
    objectId: OBJECT_ID_MAX,
    version: 1n,
    owner: { kind: 'address', address: data.sender },
    previousTransaction: ZERO_DIGEST,
    payload: { type: 'Coin', balance: MOCK_GAS_BALANCE },
  };
  return { data: { ...data, gasPayment: [refOf(mock)] }, extra: [mock] };
}
