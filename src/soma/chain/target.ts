import { type Codec, decodeBcs, encodeBcs, option, sortedSet, struct, u64, union, unit, vector } from './bcs/index.js';
import { type Address, idCodec, type ObjectId } from './id.js';
import { type Manifest, manifestCodec } from './manifest.js';
import { type SomaTensor, tensorCodec } from './tensor.js';

/** Stored status of a target. Claimed targets are deleted, so `claimed` never appears on chain. */
export type TargetStatus =
  | { readonly kind: 'open' }
  | { readonly kind: 'filled'; readonly fillEpoch: bigint }
  | { readonly kind: 'claimed' };

/**
 * Contents of a Target object (`TargetV1` of `types/src/target.rs`), including fields missing in the RPC's Target
 * message.
 */
export interface TargetPayload {
  /** Shape `[target_embedding_dim]`. */
  readonly embedding: SomaTensor;
  readonly modelIds: readonly ObjectId[];
  /** Shape `[1]`. */
  readonly distanceThreshold: SomaTensor;
  /** Shannons. */
  readonly rewardPool: bigint;
  readonly generationEpoch: bigint;
  readonly status: TargetStatus;
  readonly submitter?: Address | undefined;
  readonly winningModelId?: ObjectId | undefined;
  readonly winningModelOwner?: Address | undefined;
  /** Shannons; 0 while open. */
  readonly bondAmount: bigint;
  readonly winningDataManifest?: Manifest | undefined;
  readonly winningEmbedding?: SomaTensor | undefined;
  /** Shape `[1]`. */
  readonly winningDistanceScore?: SomaTensor | undefined;
  readonly winningLossScore?: SomaTensor | undefined;
  /** Validators that reported the submission, ascending. */
  readonly submissionReports: readonly Address[];
}

const statusCodec: Codec<TargetStatus> = union<TargetStatus, 'kind'>('kind', {
  open: unit,
  filled: struct<{ readonly fillEpoch: bigint }>({ fillEpoch: u64 }),
  claimed: unit,
});

const targetCodec: Codec<TargetPayload> = struct<TargetPayload>({
  embedding: tensorCodec,
  modelIds: vector(idCodec),
  distanceThreshold: tensorCodec,
  rewardPool: u64,
  generationEpoch: u64,
  status: statusCodec,
  submitter: option(idCodec),
  winningModelId: option(idCodec),
  winningModelOwner: option(idCodec),
  bondAmount: u64,
  winningDataManifest: option(manifestCodec),
  winningEmbedding: option(tensorCodec),
  winningDistanceScore: option(tensorCodec),
  winningLossScore: option(tensorCodec),
  submissionReports: sortedSet(idCodec),
});

/** The payload of a Target object. */
export function encodeTarget(target: TargetPayload): Uint8Array {
  return encodeBcs(targetCodec, target);
}

/** @throws QuarryError `BCS_INVALID` when `payload` is not a Target's */
export function decodeTarget(payload: Uint8Array): TargetPayload {
  return decodeBcs(targetCodec, payload, 'Target');
}
