import { type Codec, option, struct, u64 } from '../bcs/index.js';
import { bytes32Codec } from '../digest.js';
import { idCodec, type ObjectId } from '../id.js';
import { type Manifest, manifestCodec } from '../manifest.js';
import { type ObjectRef, objectRefCodec } from '../object-ref.js';
import { type SomaTensor, tensorCodec } from '../tensor.js';

/** Registers a model; the stake is taken from the gas coin. */
export interface CreateModel {
  /** Shannons. */
  readonly stakeAmount: bigint;
  /** Basis points. */
  readonly commissionRate: bigint;
  readonly architectureVersion: bigint;
}

/** Commits to a model's weights, embedding and decryption key, to be revealed in the next epoch. */
export interface CommitModel {
  readonly modelId: ObjectId;
  /** Of the encrypted weights. */
  readonly manifest: Manifest;
  /** BLAKE2b-256 of the encrypted weights, 32 bytes. */
  readonly weightsCommitment: Uint8Array;
  /** BLAKE2b-256 of the embedding's BCS, 32 bytes. */
  readonly embeddingCommitment: Uint8Array;
  /** BLAKE2b-256 of the key, 32 bytes. */
  readonly decryptionKeyCommitment: Uint8Array;
}

/** Reveals what {@link CommitModel} committed to, exactly one epoch later. */
export interface RevealModel {
  readonly modelId: ObjectId;
  /** AES-256 key, 32 bytes; public from here on. */
  readonly decryptionKey: Uint8Array;
  /** Shape `[target_embedding_dim]`. */
  readonly embedding: SomaTensor;
}

/** Stakes on a model. */
export interface AddStakeToModel {
  readonly modelId: ObjectId;
  readonly coinRef: ObjectRef;
  /** Shannons; absent stakes the whole coin. */
  readonly amount?: bigint | undefined;
}

/** Sets a model's commission, effective from the next epoch. */
export interface SetModelCommissionRate {
  readonly modelId: ObjectId;
  /** Basis points. */
  readonly newRate: bigint;
}

/** Refers to a model, to deactivate it, report it or withdraw a report. */
export interface ModelReference {
  readonly modelId: ObjectId;
}

/** BCS of {@link CreateModel}: its fields in this order. */
export const createModelCodec: Codec<CreateModel> = struct<CreateModel>({
  stakeAmount: u64,
  commissionRate: u64,
  architectureVersion: u64,
});

/** BCS of {@link CommitModel}: its fields in this order. */
export const commitModelCodec: Codec<CommitModel> = struct<CommitModel>({
  modelId: idCodec,
  manifest: manifestCodec,
  weightsCommitment: bytes32Codec,
  embeddingCommitment: bytes32Codec,
  decryptionKeyCommitment: bytes32Codec,
});

/** BCS of {@link RevealModel}: its fields in this order. */
export const revealModelCodec: Codec<RevealModel> = struct<RevealModel>({
  modelId: idCodec,
  decryptionKey: bytes32Codec,
  embedding: tensorCodec,
});

/** BCS of {@link AddStakeToModel}: its fields in this order. */
export const addStakeToModelCodec: Codec<AddStakeToModel> = struct<AddStakeToModel>({
  modelId: idCodec,
  coinRef: objectRefCodec,
  amount: option(u64),
});

/** BCS of {@link SetModelCommissionRate}: its fields in this order. */
export const setModelCommissionRateCodec: Codec<SetModelCommissionRate> = struct<SetModelCommissionRate>({
  modelId: idCodec,
  newRate: u64,
});

/** BCS of {@link ModelReference}: its fields in this order. */
export const modelReferenceCodec: Codec<ModelReference> = struct<ModelReference>({ modelId: idCodec });
