import type { AddStake } from '../../../../soma/chain/transaction/index.js';
import { addStake } from '../../state/staking-pool.js';
import type { Validator } from '../../state/validator.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';
import { createStakedSoma, takeStake } from './stake-source.js';

/** Stakes with an active or joining validator. */
export function executeAddStake(context: TransactionContext, kind: AddStake): void {
  if (kind.amount === 0n) fail({ kind: 'invalidArguments', reason: 'Stake amount cannot be 0!' });
  const { state } = context;
  const matches = (each: Validator) => each.metadata.somaAddress === kind.address;
  const found = state.validators.validators.find(matches) ?? state.validators.pendingValidators.find(matches);
  if (found === undefined) fail({ kind: 'validatorNotFound' });
  const amount = takeStake(context, kind.coinRef, kind.amount, { amountWrites: 3n, wholeWrites: 3n });
  const staked: Validator = {
    ...found,
    stakingPool: addStake(found.stakingPool, amount),
    nextEpochStake: found.nextEpochStake + amount,
  };
  const replace = (list: readonly Validator[]) => list.map((each) => (matches(each) ? staked : each));
  context.state = {
    ...state,
    validators: {
      ...state.validators,
      validators: replace(state.validators.validators),
      pendingValidators: replace(state.validators.pendingValidators),
    },
  };
  createStakedSoma(context, found.stakingPool.id, amount);
}
