import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import { fail } from './execution-failure.js';
import { coinBalance } from './ledger-object.js';
import type { TransactionContext } from './transaction-context.js';

/**
 * Merges all gas coins into the first and charges the base fee (`authority/src/execution/prepare_gas.rs`).
 *
 * @returns the base fee charged, in shannons, and whether the coin covered all of it
 */
export function smashGas(
  context: TransactionContext,
  gasPayment: readonly ObjectRef[],
): { readonly taken: bigint; readonly paid: boolean } {
  const [primaryRef, ...others] = gasPayment;
  const primary = primaryRef === undefined ? undefined : context.read(primaryRef.objectId);
  if (primary === undefined) return fail({ kind: 'insufficientGas' });
  let total = coinBalance(primary);
  for (const { objectId } of others) {
    const coin = context.read(objectId);
    if (coin === undefined) continue;
    total += coinBalance(coin);
    context.remove(objectId);
  }
  const { baseFee } = context.parameters;
  const paid = total >= baseFee;
  const taken = paid ? baseFee : total;
  setGasBalance(context, total - taken);
  return { taken, paid };
}

/** Sets the gas coin's balance; a balance of zero is kept until {@link dropEmptyGasCoin}. */
function setGasBalance(context: TransactionContext, balance: bigint): void {
  const coin = context.gasCoinId === undefined ? undefined : context.read(context.gasCoinId);
  if (coin !== undefined) context.setBalance(coin, balance);
}

/** Charges `fee` shannons to the gas coin; `false` if its balance is too small. */
export function chargeGas(context: TransactionContext, fee: bigint): boolean {
  const coin = context.gasCoinId === undefined ? undefined : context.read(context.gasCoinId);
  if (coin === undefined) return fee === 0n;
  const balance = coinBalance(coin);
  if (balance < fee) return false;
  context.setBalance(coin, balance - fee);
  return true;
}

/** Deletes the gas coin if it is empty. */
export function dropEmptyGasCoin(context: TransactionContext): void {
  const coin = context.gasCoinId === undefined ? undefined : context.read(context.gasCoinId);
  if (coin !== undefined && coinBalance(coin) === 0n) context.remove(coin.objectId);
}
