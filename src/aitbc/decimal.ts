import { QuarryError } from '../errors/index.js';

interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Maximum exponent, so that a hostile `1e999999999` cannot expand to a gigabyte of zeros. */
const MAX_EXPONENT = 400;

function parseDecimal(text: string): Decimal {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text.trim());
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  const exponent = Number(match?.[4] ?? 0);
  if (match === null || whole + fraction === '' || Math.abs(exponent) > MAX_EXPONENT) {
    throw new QuarryError('INVALID_ARGUMENT', `"${text.slice(0, 40)}" is not a decimal amount`, {
      hint: 'write amounts like 0.10 or 1500.50',
    });
  }
  let digits = BigInt(whole + fraction);
  let scale = fraction.length - exponent;
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { digits: match[1] === '-' ? -digits : digits, scale };
}

/**
 * Compares two decimal amounts exactly, without converting to doubles: negative, zero or positive.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when either is not a decimal number
 */
export function compareDecimals(a: string, b: string): number {
  const x = parseDecimal(a);
  const y = parseDecimal(b);
  const scale = Math.max(x.scale, y.scale);
  const difference = x.digits * 10n ** BigInt(scale - x.scale) - y.digits * 10n ** BigInt(scale - y.scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * Converts an amount to a decimal string without exponent; strings keep their digits (`"1500.50"` stays).
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it is not a decimal number
 */
export function toDecimalString(value: string | number): string {
  const text = String(value);
  const { digits, scale } = parseDecimal(text);
  if (typeof value === 'string' && !/[eE]/.test(text)) return text;
  const magnitude = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const whole = magnitude.slice(0, magnitude.length - scale);
  return `${digits < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${magnitude.slice(-scale)}`}`;
}
