import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { isLosslessNumber } from 'lossless-json';
import { isJsonObject, type JsonObject } from './json.js';

// Written independently of the client, from the coordinators' rules and with other libraries, so that a mistake on
// either side shows as an invalid signature.

/** DER prefix of a raw Ed25519 seed (RFC 8410). */
const SEED_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** DER prefix of a raw Ed25519 public key (RFC 8410). */
const KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const UNSIGNED = new Set(['signature', 'attestations']);

/** A signature and the raw public key for it. */
export interface RawSignature {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /** 64 bytes. */
  readonly signature: Buffer;
}

/** Signs a receipt's canonical text, without its signature fields, with a raw 32-byte seed. */
export function signMembers(receipt: JsonObject, seed: Uint8Array): RawSignature {
  const key = privateKey(seed);
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(KEY_PREFIX.length);
  return { publicKey, signature: sign(null, signedBytes(receipt), key) };
}

/** Whether a receipt's signature is valid for a raw public key. */
export function holds(receipt: JsonObject, publicKey: Buffer, signature: Buffer): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([KEY_PREFIX, publicKey]), format: 'der', type: 'spki' });
    return signature.length === 64 && verify(null, signedBytes(receipt), key, signature);
  } catch {
    return false;
  }
}

/** SHA-256 of a value's canonical text, lower-case hex. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalText(value)).digest('hex');
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([SEED_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

function signedBytes(receipt: JsonObject): Buffer {
  return Buffer.from(
    canonicalText(Object.fromEntries(Object.entries(receipt).filter(([name]) => !UNSIGNED.has(name)))),
  );
}

/** Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))`, with nulls dropped at every depth. */
function canonicalText(value: unknown): string {
  if (isLosslessNumber(value)) return pythonNumber(value.value);
  if (Array.isArray(value)) {
    return `[${value
      .filter((item) => item !== null)
      .map(canonicalText)
      .join(',')}]`;
  }
  if (!isJsonObject(value)) return asciiJson(value);
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  // Compare by code point, as Python does.
  members.sort(([a], [b]) => comparePoints([...a], [...b]));
  return `{${members.map(([name, member]) => `${asciiJson(name)}:${canonicalText(member)}`).join(',')}}`;
}

function comparePoints(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = a[i]!.codePointAt(0)! - b[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Integers unchanged, floats as printed by Python's `repr`. */
function pythonNumber(token: string): string {
  if (/^-?\d+$/.test(token)) return BigInt(token).toString();
  const value = Number(token);
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent > 15)) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain =
    value === 0 ? '0' : exponent < 0 ? value.toFixed(digits.replace(/[-.]/g, '').length - 1 - exponent) : String(value);
  return `${Object.is(value, -0) ? '-' : ''}${plain}${plain.includes('.') ? '' : '.0'}`;
}
