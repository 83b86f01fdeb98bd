import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { QuarryError } from '../../errors/index.js';
import { isJsonMembers, type JsonNode, JsonNumber } from './lossless-json.js';

/** Maximum digits of an integer: Python's default limit for converting text to int. */
const MAX_INTEGER_DIGITS = 4300;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/**
 * The text that an AITBC receipt signature covers: nulls dropped at every depth, keys sorted by Unicode code point, no
 * whitespace, ASCII only, integers in decimal, floats as in Python (`1e-05`, `100.0`).
 *
 * Source: AITBC `packages/py/aitbc-crypto`, `receipt.py`.
 *
 * @throws QuarryError `DATA_INVALID` for a number that is not finite as a double, or an integer over 4300 digits
 */
export function canonicalJson(node: JsonNode): string {
  if (node === null) return 'null';
  if (typeof node === 'boolean') return node ? 'true' : 'false';
  if (typeof node === 'string') return canonicalString(node);
  if (node instanceof JsonNumber) return canonicalNumber(node);
  if (isJsonMembers(node)) {
    const members = [...node].filter(([, value]) => value !== null);
    members.sort(([a], [b]) => compareCodePoints(a, b));
    return `{${members.map(([key, value]) => `${canonicalString(key)}:${canonicalJson(value)}`).join(',')}}`;
  }
  return `[${node
    .filter((item) => item !== null)
    .map((item) => canonicalJson(item))
    .join(',')}]`;
}

/** SHA-256 of the canonical text, in lower-case hex. This is the receipt hash, not what is signed. */
export function receiptHash(node: JsonNode): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(node))));
}

function canonicalString(value: string): string {
  let out = '"';
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    const code = value.charCodeAt(i);
    out += SHORT_ESCAPES[char] ?? (code >= 0x20 && code <= 0x7e ? char : `\\u${code.toString(16).padStart(4, '0')}`);
  }
  return `${out}"`;
}

function canonicalNumber(number: JsonNumber): string {
  if (number.isInteger) {
    if (number.token.length > MAX_INTEGER_DIGITS) {
      throw new QuarryError('DATA_INVALID', `an integer of ${number.token.length} digits is too long`);
    }
    return BigInt(number.token).toString();
  }
  const value = number.valueOf();
  if (!Number.isFinite(value)) throw new QuarryError('DATA_INVALID', 'a number is out of range for a double');
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  // toExponential() without an argument gives the shortest digits that round-trip: "d.ddde±x".
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** Compares by code point. JavaScript compares UTF-16 units, which differs beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // A surrogate belongs to a code point above all BMP characters.
    const xRank = x >= 0xd800 && x <= 0xdfff ? x + 0x10000 : x;
    const yRank = y >= 0xd800 && y <= 0xdfff ? y + 0x10000 : y;
    return xRank - yRank;
  }
  return a.length - b.length;
}
