import type { TransferObjects } from '../../../../soma/chain/transaction/index.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Transfers whole objects of any type to another owner. */
export function executeTransferObjects(context: TransactionContext, kind: TransferObjects): void {
  if (kind.objects.length === 0) fail({ kind: 'invalidArguments', reason: 'Must transfer at least one object' });
  for (const { objectId } of kind.objects) {
    const object = context.owned(objectId);
    context.write(object, object.payload, { kind: 'address', address: kind.recipient });
  }
}
