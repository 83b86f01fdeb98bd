import type { StakedSoma } from '../../../../soma/chain/coin.js';
import type { WithdrawStake } from '../../../../soma/chain/transaction/index.js';
import { withdrawStake } from '../../state/staking-pool.js';
import { type SystemState, withEntry, withModel } from '../../state/system-state.js';
import type { Validator } from '../../state/validator.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Converts a stake in any pool back to a coin. */
export function executeWithdrawStake(context: TransactionContext, kind: WithdrawStake): void {
  const { objectId } = kind.stakedSoma;
  const object = context.owned(objectId);
  if (object.payload.type !== 'StakedSoma') {
    fail({
      kind: 'invalidObjectType',
      objectId,
      expectedType: 'StakedSoma',
      actualType: object.payload.type,
    });
  }
  const { state, paid } = withdraw(context.state, object.payload.stake, context.epoch);
  context.state = state;
  context.remove(objectId);
  context.createCoin(context.sender, paid);
}

function withdraw(
  state: SystemState,
  stake: StakedSoma,
  epoch: bigint,
): { readonly state: SystemState; readonly paid: bigint } {
  const modelId = state.modelRegistry.stakingPoolMappings.get(stake.poolId);
  const model = modelId === undefined ? undefined : state.modelRegistry.models.get(modelId);
  if (modelId !== undefined && model !== undefined) {
    const { pool, paid } = withdrawStake(model.stakingPool, stake.principal, stake.stakeActivationEpoch, epoch);
    return { state: withModel(state, modelId, { ...model, stakingPool: pool }), paid };
  }
  const { validators } = state;
  const byPool = (each: Validator) => each.stakingPool.id === stake.poolId;
  const left = validators.inactiveValidators.get(stake.poolId);
  const found = validators.validators.find(byPool) ?? validators.pendingValidators.find(byPool) ?? left;
  if (found === undefined) return fail({ kind: 'stakingPoolNotFound' });
  const { pool, paid } = withdrawStake(found.stakingPool, stake.principal, stake.stakeActivationEpoch, epoch);
  const lessStake = found.nextEpochStake > paid ? found.nextEpochStake - paid : 0n;
  const changed: Validator = { ...found, stakingPool: pool, nextEpochStake: lessStake };
  const replace = (list: readonly Validator[]) => list.map((each) => (byPool(each) ? changed : each));
  return {
    state: {
      ...state,
      validators: {
        ...validators,
        validators: replace(validators.validators),
        pendingValidators: replace(validators.pendingValidators),
        inactiveValidators:
          left === undefined
            ? validators.inactiveValidators
            : withEntry(validators.inactiveValidators, stake.poolId, changed),
      },
    },
    paid,
  };
}
