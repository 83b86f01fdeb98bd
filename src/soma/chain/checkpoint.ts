import {
  bytes,
  type Codec,
  decodeBcs,
  encodeBcs,
  option,
  struct,
  u64,
  union,
  vector,
  versionOne,
} from './bcs/index.js';
import { type Digest, digestCodec, typedDigest } from './digest.js';
import { type TransactionFee, transactionFeeCodec } from './effects/index.js';

/** A digest over state that a checkpoint commits to. */
export type CheckpointCommitment = {
  readonly kind: 'ecmhLiveObjectSet' | 'checkpointArtifacts';
  readonly digest: Digest;
};

/** A validator of the next epoch. */
export interface CommitteeMember {
  /** BLS12-381 public key. */
  readonly authorityKey: Uint8Array;
  /** Voting power. */
  readonly weight: bigint;
}

/** Data about the next epoch in the last checkpoint of an epoch. */
export interface EndOfEpochData {
  readonly nextEpochCommittee: readonly CommitteeMember[];
  readonly nextEpochProtocolVersion: bigint;
  readonly epochCommitments: readonly CheckpointCommitment[];
}

/** The part of a checkpoint that validators sign. */
export interface CheckpointSummary {
  readonly epoch: bigint;
  readonly sequenceNumber: bigint;
  readonly networkTotalTransactions: bigint;
  readonly contentDigest: Digest;
  /** Absent in the genesis checkpoint. */
  readonly previousDigest?: Digest | undefined;
  /** Fees of the epoch so far. */
  readonly epochRollingTransactionFees: TransactionFee;
  readonly timestampMs: bigint;
  readonly checkpointCommitments: readonly CheckpointCommitment[];
  readonly endOfEpochData?: EndOfEpochData | undefined;
  readonly versionSpecificData: Uint8Array;
}

/** Digests of a transaction in a checkpoint. */
export interface ExecutionDigests {
  readonly transaction: Digest;
  readonly effects: Digest;
}

/** The transactions of a checkpoint, in order, with their serialised signatures. */
export interface CheckpointContents {
  readonly transactions: readonly ExecutionDigests[];
  /** One list per transaction. */
  readonly userSignatures: readonly (readonly Uint8Array[])[];
}

const digestField = struct<{ readonly digest: Digest }>({ digest: digestCodec });

const commitmentCodec: Codec<CheckpointCommitment> = union<
  | { readonly kind: 'ecmhLiveObjectSet'; readonly digest: Digest }
  | { readonly kind: 'checkpointArtifacts'; readonly digest: Digest },
  'kind'
>('kind', { ecmhLiveObjectSet: digestField, checkpointArtifacts: digestField });

// The layouts of commitments and committee were not verified against upstream; no client needs to recompute the digest
// of an epoch's last checkpoint.
const endOfEpochCodec: Codec<EndOfEpochData> = struct<EndOfEpochData>({
  nextEpochCommittee: vector(struct<CommitteeMember>({ authorityKey: bytes, weight: u64 })),
  nextEpochProtocolVersion: u64,
  epochCommitments: vector(commitmentCodec),
});

const summaryCodec: Codec<CheckpointSummary> = struct<CheckpointSummary>({
  epoch: u64,
  sequenceNumber: u64,
  networkTotalTransactions: u64,
  contentDigest: digestCodec,
  previousDigest: option(digestCodec),
  epochRollingTransactionFees: transactionFeeCodec,
  timestampMs: u64,
  checkpointCommitments: vector(commitmentCodec),
  endOfEpochData: option(endOfEpochCodec),
  versionSpecificData: bytes,
});

const contentsCodec: Codec<CheckpointContents> = versionOne(
  struct<CheckpointContents>({
    transactions: vector(struct<ExecutionDigests>({ transaction: digestCodec, effects: digestCodec })),
    userSignatures: vector(vector(bytes)),
  }),
);

/** The BCS bytes of a checkpoint summary. */
export function encodeCheckpointSummary(summary: CheckpointSummary): Uint8Array {
  return encodeBcs(summaryCodec, summary);
}

/** @throws QuarryError `BCS_INVALID` when the bytes are malformed */
export function decodeCheckpointSummary(encoded: Uint8Array): CheckpointSummary {
  return decodeBcs(summaryCodec, encoded, 'CheckpointSummary');
}

/** The checkpoint's digest: BLAKE2b-256 of `CheckpointSummary::` and the summary's BCS, base58. */
export function checkpointDigest(summary: CheckpointSummary): Digest {
  return typedDigest('CheckpointSummary', encodeCheckpointSummary(summary));
}

/** The BCS bytes of checkpoint contents. */
export function encodeCheckpointContents(contents: CheckpointContents): Uint8Array {
  return encodeBcs(contentsCodec, contents);
}

/** @throws QuarryError `BCS_INVALID` when the bytes are malformed */
export function decodeCheckpointContents(encoded: Uint8Array): CheckpointContents {
  return decodeBcs(contentsCodec, encoded, 'CheckpointContents');
}

/** The digest of contents: BLAKE2b-256 of `CheckpointContents::` and their BCS, base58. */
export function checkpointContentsDigest(contents: CheckpointContents): Digest {
  return typedDigest('CheckpointContents', encodeCheckpointContents(contents));
}
