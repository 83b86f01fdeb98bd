import type { ObjectId } from '../../../../soma/chain/id.js';
import type { ObjectRef } from '../../../../soma/chain/object-ref.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** How the coin of a stake is treated where it also pays gas. */
export interface StakeRules {
  /** Object writes for which an amount must leave fees in the coin. */
  readonly amountWrites: bigint;
  /** Object writes for which staking everything leaves fees; `undefined` takes the last shannon, as one kind does. */
  readonly wholeWrites: bigint | undefined;
}

/**
 * Takes a stake out of a coin.
 *
 * @returns the stake in shannons
 * @throws ExecutionStop InsufficientCoinBalance, and what a coin that is not the sender's gives
 */
export function takeStake(
  context: TransactionContext,
  coinRef: ObjectRef,
  amount: bigint | undefined,
  rules: StakeRules,
): bigint {
  const { object, balance, paysGas } = context.coin(coinRef.objectId);
  const marginFor = (writes: bigint) => (paysGas ? context.valueFee + writes * context.parameters.writeObjectFee : 0n);
  if (amount === undefined) {
    if (rules.wholeWrites === undefined) {
      context.remove(object.objectId);
      return balance;
    }
    const margin = marginFor(rules.wholeWrites);
    if (balance <= margin) fail({ kind: 'insufficientCoinBalance' });
    context.spend(object, margin);
    return balance - margin;
  }
  if (balance < amount + marginFor(rules.amountWrites)) fail({ kind: 'insufficientCoinBalance' });
  context.spend(object, balance - amount);
  return amount;
}

/** Creates the receipt of a stake, owned by the sender and counting from the next epoch. */
export function createStakedSoma(
  context: TransactionContext,
  poolId: ObjectId,
  principal: bigint,
  id?: ObjectId,
): void {
  context.create(
    { type: 'StakedSoma', stake: { poolId, stakeActivationEpoch: context.epoch + 1n, principal } },
    { kind: 'address', address: context.sender },
    id,
  );
}
