import { bytes, type Codec, option, struct, u64, vector } from '../bcs/index.js';
import { type Digest, digestCodec } from '../digest.js';
import { objectCodec, type SomaObject } from '../object.js';

/** Creates the initial objects of a chain. */
export interface Genesis {
  readonly objects: readonly SomaObject[];
}

/** Opens a consensus commit. */
export interface ConsensusCommitPrologueV1 {
  readonly epoch: bigint;
  readonly round: bigint;
  readonly subDagIndex?: bigint | undefined;
  readonly commitTimestampMs: bigint;
  readonly consensusCommitDigest: Digest;
  readonly additionalStateDigest: Digest;
}

/** Starts the next epoch. */
export interface ChangeEpoch {
  /** The epoch that starts. */
  readonly epoch: bigint;
  readonly epochStartTimestampMs: bigint;
  readonly protocolVersion: bigint;
  /** Fees of the ending epoch, in shannons. */
  readonly fees: bigint;
  readonly epochRandomness: Uint8Array;
}

/** BCS of {@link Genesis}: its fields in this order. */
export const genesisCodec: Codec<Genesis> = struct<Genesis>({ objects: vector(objectCodec) });

/** BCS of {@link ConsensusCommitPrologueV1}: its fields in this order. */
export const consensusCommitPrologueCodec: Codec<ConsensusCommitPrologueV1> = struct<ConsensusCommitPrologueV1>({
  epoch: u64,
  round: u64,
  subDagIndex: option(u64),
  commitTimestampMs: u64,
  consensusCommitDigest: digestCodec,
  additionalStateDigest: digestCodec,
});

/** BCS of {@link ChangeEpoch}: its fields in this order. */
export const changeEpochCodec: Codec<ChangeEpoch> = struct<ChangeEpoch>({
  epoch: u64,
  epochStartTimestampMs: u64,
  protocolVersion: u64,
  fees: u64,
  epochRandomness: bytes,
});
