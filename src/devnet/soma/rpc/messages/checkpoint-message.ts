import { create } from '@bufbuild/protobuf';
import {
  CheckpointContentsSchema,
  type Checkpoint as CheckpointMessage,
  CheckpointSchema,
  CheckpointSummarySchema,
} from '../../../../gen/soma/rpc/checkpoint_pb.js';
import { ObjectSetSchema } from '../../../../gen/soma/rpc/object_pb.js';
import { ValidatorAggregatedSignatureSchema } from '../../../../gen/soma/rpc/signature_pb.js';
import type { CheckpointSummary } from '../../../../soma/chain/checkpoint.js';
import { timestampToRpc, userSignatureToRpc } from '../../../../soma/chain/wire/index.js';
import type { CertifiedBy } from '../../checkpoints/certify.js';
import type { Checkpoint } from '../../checkpoints/checkpoint-log.js';
import type { LedgerObject } from '../../ledger/ledger-object.js';
import type { ReadMask } from '../read-mask.js';
import { objectMessage } from './object-message.js';
import { transactionMessage } from './transaction-message.js';

/** Creates the validators' signature over a summary, only when requested. */
export type SummarySigner = (summary: CheckpointSummary) => CertifiedBy;

/** The requested fields of a checkpoint. */
export function checkpointMessage(checkpoint: Checkpoint, mask: ReadMask, sign: SummarySigner): CheckpointMessage {
  const { summary, contents, transactions } = checkpoint;
  const message = create(CheckpointSchema);
  if (mask.has('sequence_number')) message.sequenceNumber = checkpoint.sequenceNumber;
  if (mask.has('digest')) message.digest = checkpoint.digest;
  if (mask.has('summary')) {
    const end = summary.endOfEpochData;
    message.summary = create(CheckpointSummarySchema, {
      digest: checkpoint.digest,
      epoch: summary.epoch,
      sequenceNumber: summary.sequenceNumber,
      totalNetworkTransactions: summary.networkTotalTransactions,
      contentDigest: summary.contentDigest,
      previousDigest: summary.previousDigest,
      epochRollingTransactionFees: summary.epochRollingTransactionFees,
      timestamp: timestampToRpc(summary.timestampMs),
      ...(end !== undefined && {
        endOfEpochData: {
          nextEpochValidatorCommittee: {
            epoch: summary.epoch + 1n,
            members: end.nextEpochCommittee.map((each) => ({ ...each })),
          },
          nextEpochProtocolVersion: end.nextEpochProtocolVersion,
        },
      }),
    });
  }
  if (mask.has('signature')) message.signature = create(ValidatorAggregatedSignatureSchema, sign(summary));
  if (mask.has('contents')) {
    message.contents = create(CheckpointContentsSchema, {
      digest: summary.contentDigest,
      version: 1,
      transactions: contents.transactions.map((each, index) => ({
        ...each,
        signatures: (contents.userSignatures[index] ?? []).map((signature) => userSignatureToRpc(signature)),
      })),
    });
  }
  const transactionMask = mask.child('transactions');
  if (transactionMask !== undefined) {
    const place = { sequenceNumber: checkpoint.sequenceNumber, timestampMs: summary.timestampMs };
    message.transactions = transactions.map((each) =>
      transactionMessage(each, { mask: transactionMask, path: 'checkpoint', place }),
    );
  }
  const objectMask = mask.child('objects')?.child('objects');
  if (objectMask !== undefined) {
    message.objects = create(ObjectSetSchema, {
      objects: objectsOf(checkpoint).map((each) => objectMessage(each, objectMask)),
    });
  }
  return mask.prune(CheckpointSchema, message);
}

/** All object versions consumed or written by the checkpoint's transactions, without duplicates, by id and version. */
function objectsOf(checkpoint: Checkpoint): readonly LedgerObject[] {
  const byKey = new Map<string, LedgerObject>();
  for (const { inputs, written } of checkpoint.transactions) {
    for (const object of [...inputs, ...written]) byKey.set(`${object.objectId}/${object.version}`, object);
  }
  return [...byKey.values()].sort((a, b) => {
    if (a.objectId !== b.objectId) return a.objectId < b.objectId ? -1 : 1;
    return a.version < b.version ? -1 : 1;
  });
}
