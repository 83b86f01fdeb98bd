import { compareDecimals, toDecimalString } from '../../../aitbc/decimal.js';
import { QuarryError } from '../../../errors/index.js';
import { asUsage } from '../../parse-argument.js';

/** Parser for commander: an amount that is paid, as a decimal string. */
export function amountArgument(text: string): string {
  const amount = asUsage(() => toDecimalString(text));
  if (compareDecimals(amount, '0') >= 0) return amount;
  throw new QuarryError('USAGE', `an amount cannot be negative, got "${text.slice(0, 40)}"`);
}
