import { QuarryError } from '../../../errors/index.js';
import {
  isSystemKind,
  MAX_TRANSACTION_BYTES,
  type ObjectRef,
  type TransactionData,
  type TransactionKind,
} from '../../chain/index.js';

/** The owned objects used by a kind. */
export function objectsOfKind(kind: TransactionKind): readonly ObjectRef[] {
  switch (kind.kind) {
    case 'transferCoin':
      return [kind.coin];
    case 'payCoins':
      return kind.coins;
    case 'transferObjects':
      return kind.objects;
    case 'addStake':
    case 'addStakeToModel':
      return [kind.coinRef];
    case 'withdrawStake':
      return [kind.stakedSoma];
    case 'submitData':
      return [kind.bondCoin];
    default:
      return [];
  }
}

function assertDistinct(refs: readonly ObjectRef[], what: string): void {
  const seen = new Set<string>();
  for (const { objectId } of refs) {
    if (seen.has(objectId)) throw invalid(`${what} name object ${objectId} twice`, 'name every object once');
    seen.add(objectId);
  }
}

function invalid(message: string, hint: string): QuarryError {
  return new QuarryError('INVALID_ARGUMENT', message, { hint });
}

/**
 * Checks for errors that a node would take up to 90 seconds to report.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the kind is a system kind, there is no gas payment, an object occurs
 * twice, PayCoins has no amounts, or the transaction is larger than consensus accepts
 * @param sizeBytes length of its BCS
 */
export function validateTransaction(data: TransactionData, sizeBytes: number): void {
  const { kind, gasPayment } = data;
  if (isSystemKind(kind.kind)) throw invalid(`${kind.kind} can only be sent by the network`, 'send another kind');
  if (gasPayment.length === 0) throw invalid('the transaction has no gas payment', 'add a coin that pays');
  assertDistinct(gasPayment, 'gas payments');
  assertDistinct(objectsOfKind(kind), 'inputs');
  const later = new Set(gasPayment.slice(1).map((coin) => coin.objectId));
  const merged = objectsOfKind(kind).find((object) => later.has(object.objectId));
  if (merged !== undefined && kind.kind !== 'payCoins') {
    throw invalid(
      `${merged.objectId} is merged into the gas coin before it is used`,
      'name it as the first gas coin or not at all',
    );
  }
  if (kind.kind === 'payCoins' && kind.amounts?.length !== kind.recipients.length) {
    throw invalid('payCoins needs one amount per recipient', 'paying out everything cannot be expressed over the RPC');
  }
  if (kind.kind === 'transferObjects' && kind.objects.length === 0) {
    throw invalid('transferObjects needs at least one object', 'name the objects');
  }
  if (sizeBytes > MAX_TRANSACTION_BYTES) {
    throw invalid(`the transaction has ${sizeBytes} bytes, above the limit of ${MAX_TRANSACTION_BYTES}`, 'split it');
  }
}
