import { bpsMul } from '../../../soma/chain/amount.js';
import { nextValueFeeBps } from '../../../soma/chain/fees.js';
import { advanceModels } from './advance-models.js';
import { advanceValidators, type CommissionStake } from './advance-validators.js';
import { adjustDifficulty } from './difficulty.js';
import type { SystemParameters } from './system-parameters.js';
import type { SystemState } from './system-state.js';

/** Input of an epoch change. */
export interface EpochChange {
  readonly newEpoch: bigint;
  readonly startTimestampMs: bigint;
  /** Fees of the ending epoch, in shannons. */
  readonly fees: bigint;
  readonly protocolVersion: bigint;
  /** Returns the parameters of a protocol version, for an upgrade. */
  readonly parametersOf: (protocolVersion: bigint) => SystemParameters;
}

/** The new epoch's state before its targets are created, and commissions to be written as objects. */
export interface AdvancedEpoch {
  readonly state: SystemState;
  readonly commissions: readonly CommissionStake[];
}

/** Upgrades to these versions reset the threshold and the average. */
const THRESHOLD_RESETS: readonly bigint[] = [3n, 5n];

/** Ends an epoch in the order of `SystemStateV1::advance_epoch`; the caller creates targets afterwards. */
export function advanceEpoch(before: SystemState, change: EpochChange): AdvancedEpoch {
  let state = upgraded(before, change);
  const { emissionPool, parameters } = state;
  const due = change.startTimestampMs >= before.epochStartTimestampMs + before.parameters.epochDurationMs;
  const wanted = due ? emissionPool.emissionPerEpoch : 0n;
  const emission = wanted < emissionPool.balance ? wanted : emissionPool.balance;
  const rewards = change.fees + state.safeModeAccumulatedFees + state.safeModeAccumulatedEmissions + emission;
  const allocation = bpsMul(rewards, parameters.validatorRewardAllocationBps);

  const validators = advanceValidators(state, allocation, change.newEpoch);
  state = {
    ...validators.state,
    epoch: change.newEpoch,
    epochStartTimestampMs: change.startTimestampMs,
    parameters: { ...parameters, valueFeeBps: nextValueFeeBps(change.fees, parameters) },
    emissionPool: { ...emissionPool, balance: emissionPool.balance - emission + rewards - validators.distributed },
    safeMode: false,
    safeModeAccumulatedFees: 0n,
    safeModeAccumulatedEmissions: 0n,
  };
  state = { ...state, targetState: adjustDifficulty(state) };
  return { state: advanceModels(state, change.newEpoch), commissions: validators.commissions };
}

function upgraded(before: SystemState, change: EpochChange): SystemState {
  if (change.protocolVersion <= before.protocolVersion) return before;
  const parameters: SystemParameters = {
    ...change.parametersOf(change.protocolVersion),
    valueFeeBps: before.parameters.valueFeeBps,
  };
  const crossed = (version: bigint) => before.protocolVersion < version && change.protocolVersion >= version;
  const targetState = THRESHOLD_RESETS.some(crossed)
    ? { ...before.targetState, distanceThreshold: parameters.targetInitialDistanceThreshold, hitsEma: 0n }
    : before.targetState;
  return { ...before, protocolVersion: change.protocolVersion, parameters, targetState };
}
