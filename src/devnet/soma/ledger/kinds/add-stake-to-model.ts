import type { AddStakeToModel } from '../../../../soma/chain/transaction/index.js';
import { addStake } from '../../state/staking-pool.js';
import { withModel } from '../../state/system-state.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';
import { createStakedSoma, takeStake } from './stake-source.js';

/** Stakes on a model that is not inactive. As on the network, staking the whole gas coin leaves nothing for fees. */
export function executeAddStakeToModel(context: TransactionContext, kind: AddStakeToModel): void {
  if (kind.amount === 0n) fail({ kind: 'invalidArguments', reason: 'Stake amount cannot be 0!' });
  const model = context.state.modelRegistry.models.get(kind.modelId);
  if (model === undefined) fail({ kind: 'modelNotFound' });
  if (model.state === 'inactive') fail({ kind: 'modelAlreadyInactive' });
  const amount = takeStake(context, kind.coinRef, kind.amount, { amountWrites: 2n, wholeWrites: undefined });
  if (amount === 0n) fail({ kind: 'invalidArguments', reason: 'Stake amount cannot be 0!' });
  context.state = withModel(context.state, kind.modelId, {
    ...model,
    stakingPool: addStake(model.stakingPool, amount),
  });
  createStakedSoma(context, model.stakingPool.id, amount);
}
