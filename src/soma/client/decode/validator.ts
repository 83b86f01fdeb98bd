import type {
  Validator as ValidatorMessage,
  ValidatorSet as ValidatorSetMessage,
} from '../../../gen/soma/rpc/system_state_pb.js';
import type { Address, ObjectId } from '../../chain/index.js';
import { type StakingPool, stakingPoolFrom } from './model.js';
import { required, requiredId } from './required.js';

/** A validator. Network addresses are multiaddrs. */
export interface Validator {
  readonly address: Address;
  readonly votingPower: bigint;
  /** Basis points. */
  readonly commissionRate: bigint;
  readonly nextEpochCommissionRate: bigint;
  /** Shannons. */
  readonly nextEpochStake: bigint;
  readonly stakingPool: StakingPool;
  /** BLS12-381 public key. */
  readonly protocolKey: Uint8Array;
  readonly networkKey: Uint8Array;
  readonly workerKey: Uint8Array;
  readonly networkAddress: string;
  readonly p2pAddress: string;
  readonly primaryAddress: string;
  /** Address that serves model weights and submitted data, if any. */
  readonly proxyAddress: string | undefined;
}

/** Current, pending and former validators. */
export interface ValidatorSet {
  /** Shannons. */
  readonly totalStake: bigint;
  readonly active: readonly Validator[];
  readonly pending: readonly Validator[];
  /** Active validators that leave at the end of the epoch. */
  readonly leaving: readonly Address[];
  /** By staking pool id. */
  readonly inactive: ReadonlyMap<ObjectId, Validator>;
  /** Epochs at risk by address. */
  readonly atRisk: ReadonlyMap<Address, bigint>;
}

function validatorFrom(message: ValidatorMessage): Validator {
  const empty = new Uint8Array();
  return {
    address: requiredId(message.somaAddress, 'validator.soma_address'),
    votingPower: message.votingPower ?? 0n,
    commissionRate: message.commissionRate ?? 0n,
    nextEpochCommissionRate: message.nextEpochCommissionRate ?? 0n,
    nextEpochStake: message.nextEpochStake ?? 0n,
    stakingPool: stakingPoolFrom(required(message.stakingPool, 'validator.staking_pool')),
    protocolKey: message.protocolPubkey ?? empty,
    networkKey: message.networkPubkey ?? empty,
    workerKey: message.workerPubkey ?? empty,
    networkAddress: message.netAddress ?? '',
    p2pAddress: message.p2pAddress ?? '',
    primaryAddress: message.primaryAddress ?? '',
    proxyAddress: message.proxyAddress || undefined,
  };
}

/** The validators in a message. */
export function validatorSetFrom(message: ValidatorSetMessage): ValidatorSet {
  const active = message.validators.map(validatorFrom);
  return {
    totalStake: message.totalStake ?? 0n,
    active,
    pending: message.pendingValidators.map(validatorFrom),
    leaving: message.pendingRemovals.flatMap((index) => active[index]?.address ?? []),
    inactive: new Map(
      Object.entries(message.inactiveValidators).map(([pool, validator]) => [
        requiredId(pool, 'inactive_validators'),
        validatorFrom(validator),
      ]),
    ),
    atRisk: new Map(
      Object.entries(message.atRiskValidators).map(([address, epochs]) => [
        requiredId(address, 'at_risk_validators'),
        epochs,
      ]),
    ),
  };
}
