import type { ObjectId } from '../../../soma/chain/id.js';
import { inactive, type Model } from './model.js';
import { deactivatePool, processEpochBoundary, type StakingPool, slashPool } from './staking-pool.js';
import type { SystemState } from './system-state.js';
import { QUORUM_VOTING_POWER, votingPowerOf } from './validator.js';

/** Processes all models at an epoch boundary: slashing, lapsed commitments, commissions, stakes. */
export function advanceModels(state: SystemState, newEpoch: bigint): SystemState {
  const { modelRegistry: registry, parameters, validators } = state;
  const models = new Map<ObjectId, Model>();
  let totalModelStake = 0n;
  for (const [id, before] of registry.models) {
    const reporters = registry.modelReportRecords.get(id) ?? [];
    const condemned = votingPowerOf(validators, reporters) >= QUORUM_VOTING_POWER;
    const slashBps = condemned ? parameters.modelTallySlashRateBps : parameters.modelRevealSlashRateBps;
    const model = advanceModel(before, newEpoch, condemned, slashBps);
    models.set(id, model);
    if (model.state !== 'inactive') totalModelStake += model.stakingPool.somaBalance;
  }
  return { ...state, modelRegistry: { ...registry, models, totalModelStake, modelReportRecords: new Map() } };
}

function advanceModel(model: Model, newEpoch: bigint, condemned: boolean, slashBps: bigint): Model {
  const slashed = (): StakingPool => slashPool(model.stakingPool, slashBps).pool;
  switch (model.state) {
    case 'active': {
      if (condemned) return inactive(model, deactivatePool(slashed(), newEpoch));
      const update = model.pendingUpdate;
      return {
        ...model,
        commissionRate: model.nextEpochCommissionRate,
        pendingUpdate: update !== undefined && update.commitEpoch < newEpoch - 1n ? undefined : update,
        stakingPool: processEpochBoundary(model.stakingPool, newEpoch, true),
      };
    }
    case 'pending':
      if (model.commitEpoch < newEpoch - 1n) return inactive(model, deactivatePool(slashed(), newEpoch));
      return { ...model, stakingPool: processEpochBoundary(model.stakingPool, newEpoch, false) };
    case 'created': {
      // The condition stays true, so the slash repeats at every later epoch change.
      const lapsed = model.createEpoch + 1n < newEpoch;
      const pool = lapsed ? deactivatePool(slashed(), newEpoch) : model.stakingPool;
      return { ...model, stakingPool: processEpochBoundary(pool, newEpoch, false) };
    }
    case 'inactive':
      return model;
  }
}
