import { create } from '@bufbuild/protobuf';
import { BalanceChangeSchema } from '../../../../gen/soma/rpc/effects_pb.js';
import {
  type ExecutedTransaction as ExecutedTransactionMessage,
  ExecutedTransactionSchema,
} from '../../../../gen/soma/rpc/executed_transaction_pb.js';
import { ObjectSetSchema } from '../../../../gen/soma/rpc/object_pb.js';
import type { ObjectId } from '../../../../soma/chain/id.js';
import type { TransactionData } from '../../../../soma/chain/transaction/index.js';
import {
  effectsToRpc,
  timestampToRpc,
  transactionToRpc,
  userSignatureToRpc,
} from '../../../../soma/chain/wire/index.js';
import type { CheckpointPlace } from '../../checkpoints/checkpoint-log.js';
import type { ExecutionOutcome } from '../../ledger/execution-outcome.js';
import type { ReadMask } from '../read-mask.js';
import { objectMessage } from './object-message.js';

/** An executed or simulated transaction to convert. */
export interface ToldTransaction extends ExecutionOutcome {
  readonly digest: string;
  readonly data: TransactionData;
  readonly signatures: readonly Uint8Array[];
}

/** Options of a transaction message. */
export interface TransactionMessageOptions {
  readonly mask: ReadMask;
  /** Checkpoints and the execution service spell ids and failures differently. */
  readonly path: 'execution' | 'checkpoint';
  readonly place?: CheckpointPlace | undefined;
  /** Only the execution service includes objects, and only if the mask names `objects.objects`. */
  readonly withObjects?: boolean | undefined;
}

/** The requested fields of a transaction. */
export function transactionMessage(
  transaction: ToldTransaction,
  options: TransactionMessageOptions,
): ExecutedTransactionMessage {
  const { mask, path, place } = options;
  const message = create(ExecutedTransactionSchema);
  if (mask.has('digest')) message.digest = transaction.digest;
  if (mask.has('transaction')) {
    message.transaction = transactionToRpc(transaction.data, { digest: transaction.digest, ids: 'plain' });
  }
  if (mask.has('signatures')) message.signatures = transaction.signatures.map((each) => userSignatureToRpc(each));
  if (mask.has('effects')) {
    const objectTypes = path === 'execution' ? typesOf(transaction) : new Map<ObjectId, string>();
    message.effects = effectsToRpc(transaction.effects, { path, objectTypes });
  }
  if (place !== undefined && mask.has('checkpoint')) message.checkpoint = place.sequenceNumber;
  if (place !== undefined && mask.has('timestamp')) message.timestamp = timestampToRpc(place.timestampMs);
  if (mask.has('balance_changes')) {
    message.balanceChanges = [...transaction.balanceChanges]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([address, amount]) =>
        create(BalanceChangeSchema, { address: address.slice(2), amount: amount.toString() }),
      );
  }
  const objects = mask.child('objects');
  if (options.withObjects === true && objects !== undefined && mask.hasBelow('objects', 'objects')) {
    const objectMask = objects.child('objects');
    if (objectMask !== undefined) {
      message.objects = create(ObjectSetSchema, {
        objects: [...transaction.inputs, ...transaction.written].map((each) =>
          objectMessage(each, objectMask, 'normal'),
        ),
      });
    }
  }
  return mask.prune(ExecutedTransactionSchema, message);
}

function typesOf(outcome: ExecutionOutcome): ReadonlyMap<ObjectId, string> {
  const all = [...outcome.inputs, ...outcome.written];
  return new Map(all.map((object) => [object.objectId, object.payload.type]));
}
