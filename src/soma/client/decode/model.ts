import type {
  Model as ModelMessage,
  StakingPool as StakingPoolMessage,
} from '../../../gen/soma/rpc/system_state_pb.js';
import { type Address, type Manifest, manifestFromRpc, type ObjectId } from '../../chain/index.js';
import { floats, required, requiredId } from './required.js';

/** Staking pool of a validator or model; amounts in shannons. */
export interface StakingPool {
  readonly id: ObjectId;
  /** Absent until the pool is active. */
  readonly activationEpoch: bigint | undefined;
  /** Absent while the pool is active. */
  readonly deactivationEpoch: bigint | undefined;
  readonly somaBalance: bigint;
  readonly rewardsPool: bigint;
  readonly poolTokenBalance: bigint;
  /** By epoch. */
  readonly exchangeRates: ReadonlyMap<bigint, { readonly somaAmount: bigint; readonly poolTokenAmount: bigint }>;
  readonly pendingStake: bigint;
  readonly pendingTotalSomaWithdraw: bigint;
  readonly pendingPoolTokenWithdraw: bigint;
}

/** New weights that are committed but not yet revealed. */
export interface PendingModelUpdate {
  readonly manifest: Manifest;
  readonly commitEpoch: bigint;
}

/** State of a model. */
export type ModelState = 'created' | 'pending' | 'active' | 'inactive';

/** A model in the registry, in any state. */
export interface Model {
  readonly id: ObjectId;
  readonly state: ModelState;
  readonly owner: Address;
  readonly architectureVersion: bigint;
  /** Basis points. */
  readonly commissionRate: bigint;
  readonly nextEpochCommissionRate: bigint;
  readonly stakingPool: StakingPool;
  /** Manifest of the encrypted weights, once committed. */
  readonly manifest: Manifest | undefined;
  readonly weightsCommitment: Uint8Array | undefined;
  readonly embeddingCommitment: Uint8Array | undefined;
  readonly decryptionKeyCommitment: Uint8Array | undefined;
  /** Public once revealed, 32 bytes. */
  readonly decryptionKey: Uint8Array | undefined;
  /** Once revealed, `[target_embedding_dim]`. */
  readonly embedding: Float32Array | undefined;
  /** Only in state `created`. */
  readonly createEpoch: bigint | undefined;
  /** Only in state `pending`: the reveal is due in exactly the next epoch. */
  readonly commitEpoch: bigint | undefined;
  readonly pendingUpdate: PendingModelUpdate | undefined;
}

const STATES: ReadonlySet<string> = new Set(['created', 'pending', 'active', 'inactive']);

/** The staking pool in a message. */
export function stakingPoolFrom(message: StakingPoolMessage): StakingPool {
  return {
    id: requiredId(message.id, 'staking_pool.id'),
    activationEpoch: message.activationEpoch,
    deactivationEpoch: message.deactivationEpoch,
    somaBalance: message.somaBalance ?? 0n,
    rewardsPool: message.rewardsPool ?? 0n,
    poolTokenBalance: message.poolTokenBalance ?? 0n,
    exchangeRates: new Map(
      Object.entries(message.exchangeRates).map(([epoch, rate]) => [
        BigInt(epoch),
        { somaAmount: rate.somaAmount ?? 0n, poolTokenAmount: rate.poolTokenAmount ?? 0n },
      ]),
    ),
    pendingStake: message.pendingStake ?? 0n,
    pendingTotalSomaWithdraw: message.pendingTotalSomaWithdraw ?? 0n,
    pendingPoolTokenWithdraw: message.pendingPoolTokenWithdraw ?? 0n,
  };
}

/** The model in a message; `id` is its key in the registry. */
export function modelFrom(id: string, message: ModelMessage): Model {
  const state = required(message.state, 'model.state');
  const update = message.pendingUpdate;
  return {
    id: requiredId(id, 'model_registry.models'),
    state: required(STATES.has(state) ? (state as ModelState) : undefined, 'a known model state'),
    owner: requiredId(message.owner, 'model.owner'),
    architectureVersion: required(message.architectureVersion, 'model.architecture_version'),
    commissionRate: message.commissionRate ?? 0n,
    nextEpochCommissionRate: message.nextEpochCommissionRate ?? 0n,
    stakingPool: stakingPoolFrom(required(message.stakingPool, 'model.staking_pool')),
    manifest: message.manifest === undefined ? undefined : manifestFromRpc(message.manifest, 'model.manifest'),
    weightsCommitment: message.weightsCommitment,
    embeddingCommitment: message.embeddingCommitment,
    decryptionKeyCommitment: message.decryptionKeyCommitment,
    // An inactive model that was never revealed has an all-zero key.
    decryptionKey: message.decryptionKey?.some((byte) => byte !== 0) ? message.decryptionKey : undefined,
    embedding: message.embedding.length === 0 ? undefined : floats(message.embedding),
    createEpoch: message.createEpoch,
    commitEpoch: message.commitEpoch,
    pendingUpdate:
      update === undefined
        ? undefined
        : {
            manifest: manifestFromRpc(update.manifest, 'pending_update.manifest'),
            commitEpoch: required(update.commitEpoch, 'pending_update.commit_epoch'),
          },
  };
}
