import type { Address } from '../../../soma/chain/id.js';
import type { Manifest } from '../../../soma/chain/manifest.js';
import type { SomaTensor } from '../../../soma/chain/tensor.js';
import type { StakingPool } from './staking-pool.js';

interface ModelBase {
  readonly owner: Address;
  readonly architectureVersion: bigint;
  readonly stakingPool: StakingPool;
  readonly commissionRate: bigint;
  readonly nextEpochCommissionRate: bigint;
}

/** An owner's commitment before the weights can be used. */
export interface ModelCommitment {
  readonly manifest: Manifest;
  readonly weightsCommitment: Uint8Array;
  readonly embeddingCommitment: Uint8Array;
  readonly decryptionKeyCommitment: Uint8Array;
}

/** A commitment to new weights of an active model. */
export interface PendingModelUpdate extends ModelCommitment {
  readonly commitEpoch: bigint;
}

/** Staked, but without weights. */
export interface CreatedModel extends ModelBase {
  readonly state: 'created';
  readonly createEpoch: bigint;
}

/** Weights are committed, to be revealed in the next epoch. */
export interface PendingModel extends ModelBase, ModelCommitment {
  readonly state: 'pending';
  readonly commitEpoch: bigint;
}

/** Weights and key are public; new targets can name it. */
export interface ActiveModel extends ModelBase, ModelCommitment {
  readonly state: 'active';
  readonly decryptionKey: Uint8Array;
  readonly embedding: SomaTensor;
  readonly pendingUpdate: PendingModelUpdate | undefined;
}

/** Permanently deactivated. */
export interface InactiveModel extends ModelBase, ModelCommitment {
  readonly state: 'inactive';
  readonly decryptionKey: Uint8Array;
  readonly embedding: SomaTensor;
}

/** A model in one of its four states. Immutable. */
export type Model = CreatedModel | PendingModel | ActiveModel | InactiveModel;

/** Deactivates a model and sets its closed staking pool; one that was never revealed gets an all-zero key. */
export function inactive(model: PendingModel | ActiveModel, stakingPool: StakingPool): InactiveModel {
  const { owner, architectureVersion, commissionRate, nextEpochCommissionRate } = model;
  const { manifest, weightsCommitment, embeddingCommitment, decryptionKeyCommitment } = model;
  return {
    state: 'inactive',
    owner,
    architectureVersion,
    stakingPool,
    commissionRate,
    nextEpochCommissionRate,
    manifest,
    weightsCommitment,
    embeddingCommitment,
    decryptionKeyCommitment,
    decryptionKey: model.state === 'active' ? model.decryptionKey : new Uint8Array(32),
    embedding: model.state === 'active' ? model.embedding : { values: new Float32Array(0), shape: [0] },
  };
}
