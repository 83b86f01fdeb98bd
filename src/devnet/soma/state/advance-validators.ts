import { bpsMul } from '../../../soma/chain/amount.js';
import type { Address, ObjectId } from '../../../soma/chain/id.js';
import { protocolConfig } from '../../../soma/chain/protocol-config.js';
import { activatePool, addStake, deactivatePool, depositReward, processEpochBoundary } from './staking-pool.js';
import type { SystemState } from './system-state.js';
import {
  assignVotingPower,
  QUORUM_VOTING_POWER,
  TOTAL_VOTING_POWER,
  type Validator,
  type ValidatorMetadata,
  votingPowerOf,
} from './validator.js';

/** A validator's commission, converted to stake. */
export interface CommissionStake {
  readonly owner: Address;
  readonly poolId: ObjectId;
  readonly principal: bigint;
}

/** The state after paying validators, settling stakes and applying membership changes. */
export interface AdvancedValidators {
  readonly state: SystemState;
  /** Shannons distributed to validators and their stakers. */
  readonly distributed: bigint;
  readonly commissions: readonly CommissionStake[];
}

/** Pays validators by voting power and processes the validator set at the epoch boundary. */
export function advanceValidators(state: SystemState, allocation: bigint, newEpoch: bigint): AdvancedValidators {
  const set = state.validators;
  const commissions: CommissionStake[] = [];
  const slashingBps = protocolConfig(state.protocolVersion).rewardSlashingRateBps;
  let distributed = 0n;
  const paid = set.validators.map((validator): Validator => {
    const { somaAddress } = validator.metadata;
    const reporters = state.validatorReportRecords.get(somaAddress) ?? [];
    const slashed = votingPowerOf(set, reporters) >= QUORUM_VOTING_POWER;
    const share = (allocation * validator.votingPower) / TOTAL_VOTING_POWER;
    const reward = slashed ? share - bpsMul(share, slashingBps) : share;
    distributed += reward;
    const commission = bpsMul(reward, validator.commissionRate);
    let pool = depositReward(validator.stakingPool, reward - commission);
    if (commission > 0n) {
      pool = addStake(pool, commission);
      commissions.push({ owner: somaAddress, poolId: pool.id, principal: commission });
    }
    return { ...validator, stakingPool: pool };
  });

  const leaving = new Set(set.pendingRemovals);
  const inactiveValidators = new Map<ObjectId, Validator>(set.inactiveValidators);
  const stakingPoolMappings = new Map(set.stakingPoolMappings);
  const staying: Validator[] = [];
  for (const [index, validator] of paid.entries()) {
    const stakingPool = processEpochBoundary(validator.stakingPool, newEpoch, true);
    if (leaving.has(index) && leaving.size < paid.length) {
      inactiveValidators.set(stakingPool.id, { ...validator, stakingPool: deactivatePool(stakingPool, newEpoch) });
      stakingPoolMappings.delete(stakingPool.id);
    } else {
      staying.push(settled({ ...validator, stakingPool }));
    }
  }
  const joining = set.pendingValidators
    .filter((each) => each.stakingPool.somaBalance > 0n)
    .map((each) => settled({ ...each, stakingPool: activatePool(each.stakingPool, newEpoch) }));
  const validators = assignVotingPower([...staying, ...joining]);
  return {
    state: {
      ...state,
      validatorReportRecords: new Map(),
      validators: {
        ...set,
        validators,
        pendingValidators: set.pendingValidators.filter((each) => each.stakingPool.somaBalance === 0n),
        pendingRemovals: [],
        inactiveValidators,
        stakingPoolMappings,
        totalStake: validators.reduce((sum, each) => sum + each.stakingPool.somaBalance, 0n),
      },
    },
    distributed,
    commissions,
  };
}

/** Applies a validator's staged values. */
function settled(validator: Validator): Validator {
  const { nextEpoch, ...current } = validator.metadata;
  const staged = Object.fromEntries(Object.entries(nextEpoch).filter(([, value]) => value !== undefined));
  const metadata: ValidatorMetadata = { ...current, ...staged, nextEpoch: {} };
  return {
    ...validator,
    metadata,
    commissionRate: validator.nextEpochCommissionRate,
    nextEpochStake: validator.stakingPool.somaBalance,
  };
}
