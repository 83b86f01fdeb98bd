import type { TransferCoin } from '../../../../soma/chain/transaction/index.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** Sends an amount of a coin, or the whole coin. A coin that also pays gas keeps the fees of two writes. */
export function executeTransferCoin(context: TransactionContext, kind: TransferCoin): void {
  const { object, balance, paysGas } = context.coin(kind.coin.objectId);
  const margin = paysGas ? context.valueFee + 2n * context.parameters.writeObjectFee : 0n;
  const recipient = { kind: 'address', address: kind.recipient } as const;
  if (kind.amount === undefined) {
    if (!paysGas) {
      context.write(object, object.payload, recipient);
      return;
    }
    if (balance <= margin) fail({ kind: 'insufficientCoinBalance' });
    context.setBalance(object, margin);
    context.createCoin(kind.recipient, balance - margin);
    return;
  }
  if (balance < kind.amount + margin) fail({ kind: 'insufficientCoinBalance' });
  if (!paysGas && balance === kind.amount) {
    context.write(object, object.payload, recipient);
    return;
  }
  context.setBalance(object, balance - kind.amount);
  context.createCoin(kind.recipient, kind.amount);
}
