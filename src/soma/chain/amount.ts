import { QuarryError } from '../../errors/index.js';

/** Shannons in one SOMA. `types/src/config/genesis_config.rs`. */
export const SHANNONS_PER_SOMA = 1_000_000_000n;

/** Total supply: 10,000,000 SOMA, in shannons. */
export const TOTAL_SUPPLY_SHANNONS = 10_000_000n * SHANNONS_PER_SOMA;

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/**
 * Converts an amount in SOMA to shannons, exactly.
 *
 * @param soma decimal text with at most 9 digits after the point: `"1"`, `"0.5"`, `".25"`
 * @throws QuarryError `INVALID_ARGUMENT` when the text is not such a number
 * @throws QuarryError `INVALID_ARGUMENT` when the amount exceeds 64 bits in shannons
 */
export function somaToShannons(soma: string): bigint {
  const match = soma.length <= 64 ? /^(\d*)(?:\.(\d*))?$/.exec(soma) : null;
  const whole = match?.[1] ?? '';
  const fraction = match?.[2] ?? '';
  if (match === null || whole + fraction === '' || fraction.length > 9) {
    throw new QuarryError('INVALID_ARGUMENT', `"${soma.slice(0, 64)}" is not an amount of SOMA`, {
      hint: 'write a decimal number with at most 9 digits after the point, such as 1.25',
    });
  }
  const shannons = BigInt(whole || '0') * SHANNONS_PER_SOMA + BigInt(fraction.padEnd(9, '0'));
  if (shannons > U64_MAX) {
    throw new QuarryError('INVALID_ARGUMENT', `${soma} SOMA exceeds 64 bits in shannons`);
  }
  return shannons;
}

/** Formats shannons as SOMA without trailing zeros: `1500000000n` is `"1.5"`. Negative amounts keep their sign. */
export function shannonsToSoma(shannons: bigint): string {
  const magnitude = shannons < 0n ? -shannons : shannons;
  const fraction = (magnitude % SHANNONS_PER_SOMA)
    .toString()
    .padStart(9, '0')
    .replace(/(?<!0)0+$/, '');
  const whole = (magnitude / SHANNONS_PER_SOMA).toString();
  return `${shannons < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * Checks that an amount reported by a node is possible. Amounts above the supply are false and could overflow sums.
 *
 * @param name name of the amount, for the error
 * @throws QuarryError `PROTOCOL` when the amount exceeds the total supply, in either direction
 */
export function existingAmount(shannons: bigint, name: string): bigint {
  if (shannons <= TOTAL_SUPPLY_SHANNONS && shannons >= -TOTAL_SUPPLY_SHANNONS) return shannons;
  throw new QuarryError('PROTOCOL', `the node reports a ${name} larger than the total supply of SOMA`, {
    details: { shannons: shannons.toString() },
  });
}

/** Denominator of a basis point. */
export const BPS_DENOMINATOR = 10_000n;

/** `floor(amount * bps / 10000)`, as `authority/src/execution/mod.rs` computes it in 128 bits. */
export function bpsMul(amount: bigint, bps: bigint): bigint {
  return (amount * bps) / BPS_DENOMINATOR;
}
