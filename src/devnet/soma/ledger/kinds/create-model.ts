import type { CreateModel } from '../../../../soma/chain/transaction/index.js';
import type { CreatedModel } from '../../state/model.js';
import { addStake, emptyStakingPool } from '../../state/staking-pool.js';
import { withEntry } from '../../state/system-state.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';
import { createStakedSoma } from './stake-source.js';

/** Registers a model; its stake is taken from the gas coin. */
export function executeCreateModel(context: TransactionContext, kind: CreateModel): void {
  const { parameters, gasCoinId, sender } = context;
  if (kind.architectureVersion !== parameters.modelArchitectureVersion) {
    fail({ kind: 'modelArchitectureVersionMismatch' });
  }
  if (kind.stakeAmount < parameters.modelMinStake) fail({ kind: 'modelMinStakeNotMet' });
  if (kind.commissionRate > 10_000n) fail({ kind: 'modelCommissionRateTooHigh' });
  if (gasCoinId === undefined) fail({ kind: 'insufficientGas' });
  const { object, balance } = context.coin(gasCoinId);
  if (balance < kind.stakeAmount + context.valueFee + 3n * parameters.writeObjectFee) {
    fail({ kind: 'insufficientCoinBalance' });
  }
  context.setBalance(object, balance - kind.stakeAmount);

  const modelId = context.idOf(context.nextNumber());
  const poolId = context.idOf(context.nextNumber());
  const model: CreatedModel = {
    state: 'created',
    owner: sender,
    architectureVersion: kind.architectureVersion,
    stakingPool: addStake(emptyStakingPool(poolId), kind.stakeAmount),
    commissionRate: kind.commissionRate,
    nextEpochCommissionRate: kind.commissionRate,
    createEpoch: context.epoch,
  };
  const { state } = context;
  const registry = state.modelRegistry;
  context.state = {
    ...state,
    modelRegistry: {
      ...registry,
      models: withEntry(registry.models, modelId, model),
      stakingPoolMappings: withEntry(registry.stakingPoolMappings, poolId, modelId),
      totalModelStake: registry.totalModelStake + kind.stakeAmount,
    },
  };
  createStakedSoma(context, poolId, kind.stakeAmount);
}
