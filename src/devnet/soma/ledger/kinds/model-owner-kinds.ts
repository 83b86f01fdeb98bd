import type { ModelReference, SetModelCommissionRate } from '../../../../soma/chain/transaction/index.js';
import { type ActiveModel, inactive } from '../../state/model.js';
import { deactivatePool } from '../../state/staking-pool.js';
import { withModel } from '../../state/system-state.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

function ownActiveModel(context: TransactionContext, modelId: string): ActiveModel {
  const model = context.state.modelRegistry.models.get(modelId);
  if (model === undefined) return fail({ kind: 'modelNotFound' });
  if (model.state !== 'active') return fail({ kind: 'modelNotActive' });
  if (model.owner !== context.sender) fail({ kind: 'notModelOwner' });
  return model;
}

/** Sets a model's commission, effective from the next epoch. */
export function executeSetModelCommissionRate(context: TransactionContext, kind: SetModelCommissionRate): void {
  if (kind.newRate > 10_000n) fail({ kind: 'modelCommissionRateTooHigh' });
  const model = ownActiveModel(context, kind.modelId);
  context.state = withModel(context.state, kind.modelId, { ...model, nextEpochCommissionRate: kind.newRate });
}

/** Deactivates a model on behalf of its owner. */
export function executeDeactivateModel(context: TransactionContext, kind: ModelReference): void {
  const model = ownActiveModel(context, kind.modelId);
  const pool = deactivatePool(model.stakingPool, context.epoch);
  const registry = context.state.modelRegistry;
  const stake = model.stakingPool.somaBalance;
  context.state = withModel(
    {
      ...context.state,
      modelRegistry: {
        ...registry,
        totalModelStake: registry.totalModelStake > stake ? registry.totalModelStake - stake : 0n,
      },
    },
    kind.modelId,
    inactive(model, pool),
  );
}
