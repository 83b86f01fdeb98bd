import type { PayCoins } from '../../../../soma/chain/transaction/index.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/**
 * Pays recipients from several coins. These are merged into the gas coin if it is listed, otherwise into the first one,
 * from which the payments are made. Coins already merged as gas are skipped.
 */
export function executePayCoins(context: TransactionContext, kind: PayCoins): void {
  const { coins, amounts, recipients } = kind;
  if (coins.length === 0) fail({ kind: 'invalidArguments', reason: 'No coins provided' });
  if (recipients.length === 0) fail({ kind: 'invalidArguments', reason: 'No recipients provided' });
  if (amounts === undefined ? recipients.length !== 1 : amounts.length !== recipients.length) {
    fail({ kind: 'invalidArguments', reason: 'Amounts and recipients length mismatch' });
  }
  const sources = coins.filter((ref) => !context.deleted.has(ref.objectId)).map((ref) => context.coin(ref.objectId));
  const total = sources.reduce((sum, each) => sum + each.balance, 0n);
  const margin = context.valueFee + BigInt(1 + recipients.length) * context.parameters.writeObjectFee;
  const primary = sources.find((each) => each.paysGas) ?? sources[0];
  if (primary === undefined) fail({ kind: 'insufficientCoinBalance' });
  const kept = primary.paysGas ? margin : 0n;
  if (amounts === undefined && total <= kept) fail({ kind: 'insufficientCoinBalance' });
  const payments = amounts ?? [total - kept];
  const sum = payments.reduce((running, each) => running + each, 0n);
  if (amounts !== undefined && total < sum + margin) fail({ kind: 'insufficientCoinBalance' });
  for (const source of sources) if (source !== primary) context.remove(source.object.objectId);
  context.spend(primary.object, total - sum);
  for (const [index, amount] of payments.entries()) context.createCoin(recipients[index]!, amount);
}
