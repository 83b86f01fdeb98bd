import { InvalidArgumentError } from 'commander';
import { LONGEST_WAIT_SECONDS } from '../config/index.js';
import { QuarryError } from '../errors/index.js';
import { isDigest, isId, normaliseId, somaToShannons } from '../soma/chain/index.js';

const U64_MAX = 0xffff_ffff_ffff_ffffn;
/** The largest port. */
export const LAST_PORT = 65_535;

/**
 * Parses an argument as the library does.
 *
 * @throws QuarryError `USAGE` instead of what the library throws
 */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof QuarryError)) throw cause;
    const { message, hint, details } = cause;
    throw new QuarryError('USAGE', message, { cause, hint, details });
  }
}

/**
 * Parses an object id or address.
 *
 * @param what named in the error: `target`, `recipient`
 * @throws QuarryError `USAGE` when the text is not an id
 */
export function idArgument(text: string, what: string): string {
  if (isId(text)) return normaliseId(text);
  throw new QuarryError('USAGE', `"${text.slice(0, 80)}" is not the id of a ${what}`, {
    hint: 'ids and addresses are 1 to 64 hexadecimal digits, usually after 0x',
  });
}

/**
 * Parses the address of a recipient. Short ids are valid, so a truncated address would be paid: requires all digits
 * except leading zeros.
 *
 * @throws QuarryError `USAGE` when the text is not such an address
 */
export function addressArgument(text: string, what: string): string {
  if (text.replace(/^0x/i, '').length >= 60) return idArgument(text, what);
  throw new QuarryError('USAGE', `"${text.slice(0, 80)}" is not the full address of a ${what}`, {
    hint: 'addresses are 0x and 64 hexadecimal digits',
  });
}

/** @throws QuarryError `USAGE` when the text is not a transaction digest */
export function digestArgument(text: string): string {
  if (isDigest(text)) return text;
  throw new QuarryError('USAGE', `"${text.slice(0, 80)}" is not a transaction digest`, {
    hint: 'digests are base58 of 32 bytes, 43 or 44 characters',
  });
}

/**
 * Parses an amount in SOMA to shannons.
 *
 * @throws QuarryError `USAGE` when the text is not an amount, or zero
 */
export function amountArgument(text: string): bigint {
  const shannons = asUsage(() => somaToShannons(text));
  if (shannons === 0n) throw new QuarryError('USAGE', 'an amount must be greater than zero');
  return shannons;
}

/**
 * Parses a whole number from 0 to 2^64 - 1.
 *
 * @throws QuarryError `USAGE` when the text is not such a number
 */
export function u64Argument(text: string, flag: string): bigint {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value !== undefined && value <= U64_MAX) return value;
  throw new QuarryError('USAGE', `${flag} expects a whole number, got "${text.slice(0, 40)}"`);
}

/**
 * Parses a whole number within bounds.
 *
 * @throws QuarryError `USAGE` when the text is not such a number
 */
export function integerArgument(text: string, flag: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (value !== undefined && value >= min && value <= max) return value;
  throw new QuarryError('USAGE', `${flag} expects a whole number from ${min} to ${max}, got "${text.slice(0, 40)}"`);
}

/**
 * Parses bytes in hexadecimal, of which Node would decode as much as it understands.
 *
 * @throws QuarryError `USAGE` when the text is not hexadecimal
 */
export function hexArgument(text: string, flag: string): Uint8Array {
  if (/^(?:[0-9a-f]{2})*$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  throw new QuarryError('USAGE', `${flag} expects hexadecimal digits, got "${text.slice(0, 40)}"`);
}

/** Parser for commander: a positive integer. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a whole number of at least 1');
}

/** Parser for commander: an integer that may be zero. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== '') return value;
  throw new InvalidArgumentError('expected a whole number');
}

/** Parser for commander: the URL of an HTTP server. */
export function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/i.test(text)) return text;
  throw new InvalidArgumentError('expected a URL that begins with http:// or https://');
}

/** Parser for commander: the URL of a websocket. */
export function webSocketUrl(text: string): string {
  if (URL.canParse(text) && /^(?:ws|http)s?:/i.test(text)) return text;
  throw new InvalidArgumentError('expected a URL that begins with ws:// or wss://');
}

/** Parser for commander: a port, or 0 for any free one. */
export function portNumber(text: string): number {
  const value = wholeNumber(text);
  if (value <= LAST_PORT) return value;
  throw new InvalidArgumentError(`expected a port from 0 to ${LAST_PORT}`);
}

/** Parser for commander: milliseconds that a timer can wait. */
export function waitMs(text: string): number {
  const longest = LONGEST_WAIT_SECONDS * 1000;
  const value = positiveInteger(text);
  if (value <= longest) return value;
  throw new InvalidArgumentError(`expected at most ${longest}`);
}

/** Parser for commander: seconds that a timer can wait. */
export function waitSeconds(text: string): number {
  const value = positiveInteger(text);
  if (value <= LONGEST_WAIT_SECONDS) return value;
  throw new InvalidArgumentError(`expected at most ${LONGEST_WAIT_SECONDS}`);
}

/**
 * Parses an optional whole number.
 *
 * @throws QuarryError `USAGE` when it is not a whole number from `least` to `most`
 */
export function countArgument(
  text: string | undefined,
  flag: string,
  least = 1,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new QuarryError('USAGE', `${flag} expects a whole number ${range}, got "${text}"`);
}
