import type { ObjectId } from '../../../../soma/chain/id.js';
import type { ObjectRef } from '../../../../soma/chain/object-ref.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Rules for staking from the coin that also pays gas. */
export interface StakeRules {
  /** Number of object writes whose fees must remain in the coin when staking an amount. */
  readonly amountWrites: bigint;
  /**
   * Number of object writes whose fees must remain when staking the whole coin; `undefined` takes everything, as one
   * kind does.
   */
  readonly wholeWrites: bigint | undefined;
}

/**
 * Takes a stake from a coin.
 *
 * @returns the stake in shannons
 * @throws ExecutionStop InsufficientCoinBalance, and the errors for a coin that is not the sender's
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

/** Creates the receipt of a stake, owned by the sender and active from the next epoch. */
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
