import type { Address, ObjectId } from '../../../soma/chain/id.js';
import type { StakingPool } from './staking-pool.js';

/** Values that a validator can stage for the next epoch. */
export interface StagedMetadata {
  readonly protocolPubkey?: Uint8Array | undefined;
  readonly networkPubkey?: Uint8Array | undefined;
  readonly workerPubkey?: Uint8Array | undefined;
  readonly netAddress?: string | undefined;
  readonly p2pAddress?: string | undefined;
  readonly primaryAddress?: string | undefined;
  readonly proofOfPossession?: Uint8Array | undefined;
}

/** Keys and multiaddrs of a validator. */
export interface ValidatorMetadata {
  readonly somaAddress: Address;
  /** BLS12-381, 96 bytes. */
  readonly protocolPubkey: Uint8Array;
  readonly networkPubkey: Uint8Array;
  readonly workerPubkey: Uint8Array;
  readonly netAddress: string;
  readonly p2pAddress: string;
  readonly primaryAddress: string;
  readonly proxyAddress: string;
  readonly proofOfPossession: Uint8Array;
  readonly nextEpoch: StagedMetadata;
}

/** A validator. Immutable. */
export interface Validator {
  readonly metadata: ValidatorMetadata;
  readonly votingPower: bigint;
  readonly stakingPool: StakingPool;
  readonly commissionRate: bigint;
  readonly nextEpochStake: bigint;
  readonly nextEpochCommissionRate: bigint;
}

/** All validators. Immutable. */
export interface ValidatorSet {
  readonly totalStake: bigint;
  readonly validators: readonly Validator[];
  readonly pendingValidators: readonly Validator[];
  /** Indices into `validators`. */
  readonly pendingRemovals: readonly number[];
  /** Pool id to address. */
  readonly stakingPoolMappings: ReadonlyMap<ObjectId, Address>;
  /** By pool id. */
  readonly inactiveValidators: ReadonlyMap<ObjectId, Validator>;
  /** Address to epochs at risk. */
  readonly atRiskValidators: ReadonlyMap<Address, bigint>;
}

/** Total voting power of all validators. */
export const TOTAL_VOTING_POWER = 10_000n;
/** Voting power of a quorum. */
export const QUORUM_VOTING_POWER = 6_667n;
/** Maximum voting power of one validator, if there are enough validators. */
const MAX_VOTING_POWER = 1_000n;

/** The active validator with that address. */
export function activeValidator(set: ValidatorSet, address: Address): Validator | undefined {
  return set.validators.find((each) => each.metadata.somaAddress === address);
}

/** Voting power of the active validators among `addresses`. */
export function votingPowerOf(set: ValidatorSet, addresses: readonly Address[]): bigint {
  return addresses.reduce((sum, address) => sum + (activeValidator(set, address)?.votingPower ?? 0n), 0n);
}

/** A copy of the set with one active validator replaced. */
export function withValidator(set: ValidatorSet, validator: Validator): ValidatorSet {
  return {
    ...set,
    validators: set.validators.map((each) =>
      each.metadata.somaAddress === validator.metadata.somaAddress ? validator : each,
    ),
  };
}

/**
 * Assigns voting power by stake: 10,000 in total, at most 1,000 each, or equal shares if there are fewer than ten
 * validators. The excess above the cap goes to the others in order of stake.
 */
export function assignVotingPower(validators: readonly Validator[]): readonly Validator[] {
  if (validators.length === 0) return validators;
  const count = BigInt(validators.length);
  const fairCap = (TOTAL_VOTING_POWER + count - 1n) / count;
  const cap = fairCap > MAX_VOTING_POWER ? fairCap : MAX_VOTING_POWER;
  const total = validators.reduce((sum, each) => sum + each.stakingPool.somaBalance, 0n);
  const powers = validators.map((each) => {
    const share =
      total === 0n ? TOTAL_VOTING_POWER / count : (each.stakingPool.somaBalance * TOTAL_VOTING_POWER) / total;
    return share < cap ? share : cap;
  });
  const order = validators.map((_, index) => index);
  order.sort((a, b) => Number(validators[b]!.stakingPool.somaBalance - validators[a]!.stakingPool.somaBalance));
  let left = TOTAL_VOTING_POWER - powers.reduce((sum, each) => sum + each, 0n);
  for (const index of order) {
    const room = cap - powers[index]!;
    const given = room < left ? room : left;
    powers[index] = powers[index]! + given;
    left -= given;
  }
  return validators.map((each, index) => ({ ...each, votingPower: powers[index]! }));
}
