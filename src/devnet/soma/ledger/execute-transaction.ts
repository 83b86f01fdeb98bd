import type { Digest } from '../../../soma/chain/digest.js';
import type { ExecutionFailure, TransactionFee } from '../../../soma/chain/effects/index.js';
import { valueFee } from '../../../soma/chain/fees.js';
import type { ObjectId } from '../../../soma/chain/id.js';
import { protocolConfig } from '../../../soma/chain/protocol-config.js';
import type { TransactionData } from '../../../soma/chain/transaction/index.js';
import type { SystemState } from '../state/system-state.js';
import { executeKind } from './execute-kind.js';
import { ExecutionStop } from './execution-failure.js';
import { type ExecutionOutcome, outcomeOf } from './execution-outcome.js';
import { chargeGas, dropEmptyGasCoin, smashGas } from './gas.js';
import type { LedgerObject } from './ledger-object.js';
import { TransactionContext } from './transaction-context.js';
import { transactionValue } from './transaction-value.js';

/** Input of an execution. */
export interface ExecutionInput {
  readonly data: TransactionData;
  readonly digest: Digest;
  /** All inputs, owned and shared, at the versions to be consumed. */
  readonly inputs: ReadonlyMap<ObjectId, LedgerObject>;
  /** Shared inputs deleted meanwhile, with the version that deleted them. */
  readonly deletedShared: ReadonlyMap<ObjectId, bigint>;
  readonly state: SystemState;
  /** Reason for cancelling it without execution, as consensus decides under load. The base fee is still charged. */
  readonly cancelled?: ExecutionFailure | undefined;
}

/** Executes a user transaction. Pure: changes are only in the result. */
export function executeTransaction(input: ExecutionInput): ExecutionOutcome {
  const { data, digest, inputs, deletedShared, state } = input;
  const context = new TransactionContext({
    digest,
    sender: data.sender,
    inputs,
    state,
    gasCoinId: data.gasPayment[0]?.objectId,
  });
  const gas = smashGas(context, data.gasPayment);
  const afterGas = context.snapshot();
  const attempt = gas.paid ? perform(context, input) : { failure: { kind: 'insufficientGas' } as const };
  const failed = attempt.failure !== undefined;
  if (failed) context.restore(afterGas);
  // From protocol version 2, a failed transaction still gives every mutable input a new version, which releases its
  // lock.
  if (!failed || protocolConfig(state.protocolVersion).bumpsVersionsOnFailure)
    for (const object of inputs.values()) context.touch(object);
  dropEmptyGasCoin(context);
  const operationFee = attempt.fee?.operationFee ?? 0n;
  const paidValueFee = attempt.fee?.valueFee ?? 0n;
  const fee: TransactionFee = {
    baseFee: gas.taken,
    operationFee,
    valueFee: paidValueFee,
    totalFee: gas.taken + operationFee + paidValueFee,
  };
  return outcomeOf(context, attempt.failure, fee, deletedShared);
}

interface Attempt {
  readonly failure?: ExecutionFailure | undefined;
  readonly fee?: Pick<TransactionFee, 'operationFee' | 'valueFee'> | undefined;
}

function perform(context: TransactionContext, { data, inputs, deletedShared, cancelled }: ExecutionInput): Attempt {
  if (cancelled !== undefined) return { failure: cancelled };
  try {
    if (deletedShared.size > 0) return { failure: { kind: 'inputObjectDeleted' } };
    context.valueFee = valueFee(data.kind.kind, transactionValue(context, data.kind), context.parameters);
    executeKind(context, data.kind);
  } catch (error) {
    if (error instanceof ExecutionStop) return { failure: error.failure };
    throw error;
  }
  for (const object of inputs.values()) context.touch(object);
  const operationFee = context.parameters.writeObjectFee * BigInt(context.written.size);
  if (!chargeGas(context, operationFee + context.valueFee)) return { failure: { kind: 'insufficientGas' } };
  return { fee: { operationFee, valueFee: context.valueFee } };
}
