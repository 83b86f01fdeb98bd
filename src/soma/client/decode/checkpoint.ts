import type {
  Checkpoint as CheckpointMessage,
  CheckpointSummary as CheckpointSummaryMessage,
} from '../../../gen/soma/rpc/checkpoint_pb.js';
import { type Digest, type TransactionFee, timestampFromRpc } from '../../chain/index.js';
import { type ExecutedTransaction, executedFrom } from './executed-transaction.js';
import { type PartialObject, partialObjectFrom } from './object.js';
import { possibleCount, possibleEpoch } from './possible.js';
import { required } from './required.js';

/** The header of a checkpoint. */
export interface CheckpointHeader {
  readonly digest: Digest | undefined;
  readonly epoch: bigint;
  readonly sequenceNumber: bigint;
  readonly timestampMs: bigint;
  readonly totalTransactions: bigint;
  readonly contentDigest: Digest;
  /** Absent for the first checkpoint. */
  readonly previousDigest: Digest | undefined;
  /** Fees of the epoch so far. */
  readonly epochFees: TransactionFee;
  /** Set on the last checkpoint of an epoch. */
  readonly endOfEpoch: { readonly nextProtocolVersion: bigint | undefined } | undefined;
}

/** The parts of a checkpoint selected by a read mask; lists that were not selected are empty. */
export interface Checkpoint {
  readonly sequenceNumber: bigint;
  readonly digest: Digest | undefined;
  readonly summary: CheckpointHeader | undefined;
  readonly transactions: readonly ExecutedTransaction[];
  /** All object versions read or written by the transactions. */
  readonly objects: readonly PartialObject[];
}

/** The summary in a message. */
function summaryFrom(message: CheckpointSummaryMessage): CheckpointHeader {
  const fees = message.epochRollingTransactionFees;
  return {
    digest: message.digest,
    epoch: possibleEpoch(required(message.epoch, 'summary.epoch'), 'summary.epoch'),
    sequenceNumber: possibleCount(
      required(message.sequenceNumber, 'summary.sequence_number'),
      'summary.sequence_number',
    ),
    timestampMs: timestampFromRpc(required(message.timestamp, 'summary.timestamp')),
    totalTransactions: message.totalNetworkTransactions ?? 0n,
    contentDigest: required(message.contentDigest, 'summary.content_digest'),
    previousDigest: message.previousDigest,
    epochFees: {
      baseFee: fees?.baseFee ?? 0n,
      operationFee: fees?.operationFee ?? 0n,
      valueFee: fees?.valueFee ?? 0n,
      totalFee: fees?.totalFee ?? 0n,
    },
    endOfEpoch:
      message.endOfEpochData === undefined
        ? undefined
        : { nextProtocolVersion: message.endOfEpochData.nextEpochProtocolVersion },
  };
}

/**
 * Decodes the number and summary of a checkpoint; `cursor` is its number if the message lacks it.
 *
 * @throws QuarryError `PROTOCOL` when something is missing or impossible
 */
export function checkpointHead(
  message: CheckpointMessage,
  cursor?: bigint,
): Pick<Checkpoint, 'sequenceNumber' | 'summary'> {
  return {
    sequenceNumber: possibleCount(
      required(message.sequenceNumber ?? message.summary?.sequenceNumber ?? cursor, 'checkpoint.sequence_number'),
      'checkpoint.sequence_number',
    ),
    summary: message.summary === undefined ? undefined : summaryFrom(message.summary),
  };
}

/** Decodes a checkpoint; `cursor` is its number if the message lacks it. */
export function checkpointFrom(message: CheckpointMessage, cursor?: bigint): Checkpoint {
  return {
    ...checkpointHead(message, cursor),
    digest: message.digest ?? message.summary?.digest,
    transactions: message.transactions.map(executedFrom),
    objects: (message.objects?.objects ?? []).map(partialObjectFrom),
  };
}
