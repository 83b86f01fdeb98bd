import { create } from '@bufbuild/protobuf';
import { CheckpointSchema } from '../../../gen/soma/rpc/checkpoint_pb.js';
import { EpochSchema } from '../../../gen/soma/rpc/epoch_pb.js';
import { type ExecutedTransaction, ExecutedTransactionSchema } from '../../../gen/soma/rpc/executed_transaction_pb.js';
import {
  BatchGetObjectsResponseSchema,
  BatchGetTransactionsResponseSchema,
  GetCheckpointResponseSchema,
  GetEpochResponseSchema,
  GetObjectResponseSchema,
  GetObjectResultSchema,
  GetServiceInfoResponseSchema,
  GetTransactionResponseSchema,
  GetTransactionResultSchema,
  type LedgerService,
} from '../../../gen/soma/rpc/ledger_service_pb.js';
import { type Object$ as ObjectMessage, ObjectSchema } from '../../../gen/soma/rpc/object_pb.js';
import { timestampToRpc } from '../../../soma/chain/wire/index.js';
import type { DevnetNode } from '../node.js';
import type { ServiceHandlers } from './grpc-service.js';
import { checkpointMessage } from './messages/checkpoint-message.js';
import { epochMessage } from './messages/epoch-message.js';
import { objectMessage } from './messages/object-message.js';
import { transactionMessage } from './messages/transaction-message.js';
import { ReadMask } from './read-mask.js';
import { digestField, idField } from './request-fields.js';
import { RpcStatus } from './rpc-status.js';

const DEFAULT_MASKS = {
  object: 'object_id,version,digest',
  transaction: 'digest',
  checkpoint: 'sequence_number,digest',
  epoch: 'epoch,committee,first_checkpoint,last_checkpoint,start,end,protocol_config.protocol_version',
} as const;

/** Reads of objects, transactions, checkpoints and epochs. */
export function ledgerService(node: DevnetNode): ServiceHandlers<typeof LedgerService> {
  const getObject = (
    id: string | undefined,
    version: bigint | undefined,
    mask: ReadMask,
    field: string,
  ): ObjectMessage => {
    const objectId = idField(id, field);
    const { objects } = node.visible;
    const object = version === undefined ? objects.get(objectId) : objects.getVersion(objectId, version);
    if (object !== undefined) return objectMessage(object, mask);
    const which = version === undefined ? '' : ` with version ${version}`;
    throw new RpcStatus('NOT_FOUND', `Object ${objectId}${which} not found`);
  };
  const getTransaction = (digest: string | undefined, mask: ReadMask, field: string): ExecutedTransaction => {
    const known = digestField(digest, field);
    const transaction = node.visible.hides(known) ? undefined : node.ledger.transaction(known);
    if (transaction === undefined) throw new RpcStatus('NOT_FOUND', `Transaction ${known} not found`);
    const place = node.checkpoints.placeOf(known);
    const message = transactionMessage(transaction, { mask, path: 'execution', place });
    // Balance changes come from the index, which includes a transaction only once it is in a checkpoint.
    if (place === undefined) message.balanceChanges = [];
    return message;
  };

  return {
    getServiceInfo: () => {
      const { latest, lowest } = node.checkpoints;
      return create(GetServiceInfoResponseSchema, {
        chainId: node.chainId,
        chain: node.chain,
        epoch: node.ledger.state.epoch,
        checkpointHeight: latest.sequenceNumber,
        timestamp: timestampToRpc(latest.summary.timestampMs),
        lowestAvailableCheckpoint: lowest,
        lowestAvailableCheckpointObjects: lowest,
        server: node.server,
      });
    },
    getObject: ({ objectId, version, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.object, ObjectSchema);
      return create(GetObjectResponseSchema, { object: getObject(objectId, version, mask, 'object_id') });
    },
    batchGetObjects: ({ requests, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.object, ObjectSchema);
      const objects = requests.map(({ objectId, version }, index) =>
        create(GetObjectResultSchema, {
          result: caseOf('object', () => getObject(objectId, version, mask, `requests[${index}].object_id`)),
        }),
      );
      return create(BatchGetObjectsResponseSchema, { objects });
    },
    getTransaction: ({ digest, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.transaction, ExecutedTransactionSchema);
      return create(GetTransactionResponseSchema, { transaction: getTransaction(digest, mask, 'digest') });
    },
    batchGetTransactions: ({ digests, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.transaction, ExecutedTransactionSchema);
      const transactions = digests.map((digest, index) =>
        create(GetTransactionResultSchema, {
          result: caseOf('transaction', () => getTransaction(digest, mask, `digests[${index}]`)),
        }),
      );
      return create(BatchGetTransactionsResponseSchema, { transactions });
    },
    getCheckpoint: ({ checkpointId, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.checkpoint, CheckpointSchema);
      const id = checkpointId.case === 'digest' ? digestField(checkpointId.value, 'digest') : checkpointId.value;
      const checkpoint = id === undefined ? node.checkpoints.latest : node.checkpoints.get(id);
      if (checkpoint === undefined) throw new RpcStatus('NOT_FOUND', `Checkpoint ${id} not found`);
      return create(GetCheckpointResponseSchema, { checkpoint: checkpointMessage(checkpoint, mask, node.signSummary) });
    },
    getEpoch: ({ epoch, readMask }) => {
      const mask = ReadMask.parse(readMask, DEFAULT_MASKS.epoch, EpochSchema);
      const { state } = node.ledger;
      const wanted = epoch ?? state.epoch;
      const record = node.epochs.get(wanted);
      if (record === undefined) throw new RpcStatus('NOT_FOUND', `Committee for epoch ${wanted} not found`);
      const told = wanted === state.epoch ? state : record.startState;
      return create(GetEpochResponseSchema, { epoch: epochMessage(wanted, record, told, mask) });
    },
  };
}

/** One entry of a batch: the value, or the error of reading it. */
function caseOf<C extends string, T>(name: C, read: () => T) {
  try {
    return { case: name, value: read() } as const;
  } catch (error) {
    return { case: 'error', value: RpcStatus.from(error).toProto() } as const;
  }
}
