import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { unsignedSpelling } from './as-signed.js';
import { decodeBase64Exact, encodeBase64Url } from './base64.js';
import {
  isJsonMembers,
  type JsonMembers,
  type JsonNode,
  JsonNumber,
  parseLosslessJson,
  stringifyLosslessJson,
} from './lossless-json.js';
import { receiptMessage } from './sign-receipt.js';

/**
 * Fields that deployed coordinators add to a receipt after signing it; `tolerant` verification removes and reports
 * them. Source: AITBC coordinator `routers/miner.py` and `services/receipts.py`.
 */
export const POST_SIGNING_MEMBERS: readonly string[] = [
  'zk_status',
  'zk_proof',
  'tee_status',
  'tee_attestation_id',
  'tee_quote',
  'reinvest_status',
  'reinvest_stake_id',
  'reinvest_amount',
  'privacy_level',
];

/** How strictly to verify, and which keys to trust. */
export interface VerifyReceiptOptions {
  /**
   * `strict` never drops a field, and refuses text that could be changed without invalidating the signature (`1.0` as
   * `1e0`, nulls, unusual escapes or whitespace): any changed byte fails. `tolerant` (default) accepts any spelling and
   * retries without {@link POST_SIGNING_MEMBERS}.
   */
  readonly mode?: 'strict' | 'tolerant' | undefined;
  /** Key ids (base64 or base64url of the raw public key) allowed to sign receipts. */
  readonly trustedSigners?: readonly string[] | undefined;
  /** Key ids allowed to attest. Also tried on attestations that do not name a key. */
  readonly trustedAttesters?: readonly string[] | undefined;
  /** Requires the receipt's `chain_id` to be this. */
  readonly chainId?: number | undefined;
  /** Refuses receipts completed longer ago than this, in seconds. */
  readonly maxAgeSeconds?: number | undefined;
  /** Unix time in milliseconds, for `maxAgeSeconds`. Default: the clock. */
  readonly now?: (() => number) | undefined;
}

/** Result of checking one signature. */
export interface SignatureCheck {
  readonly valid: boolean;
  /** base64url without padding; undefined if neither the receipt nor a pinned key identifies it. */
  readonly keyId: string | undefined;
  /** Whether the caller pinned the key. */
  readonly trusted: boolean;
  /** Why it is invalid. */
  readonly reason?: string | undefined;
}

/** Result of local verification. */
export interface ReceiptVerification {
  /**
   * Whether the signature and all attestations are valid. This proves integrity only, as the key is part of the
   * receipt.
   */
  readonly verified: boolean;
  /** Whether, in addition, all keys involved are pinned. False if none is. */
  readonly trusted: boolean;
  /** Mode in which verification succeeded. */
  readonly mode: 'strict' | 'tolerant';
  readonly minerSignature: SignatureCheck;
  readonly attestations: readonly SignatureCheck[];
  /** Fields present that no signature covers; never base a decision on them. */
  readonly unauthenticatedFields: readonly string[];
  /** `miner_signature_invalid:<key id>` and similar; also failed plausibility checks. */
  readonly failureReasons: readonly string[];
  /** SHA-256 of the signed bytes in hex; undefined if the text is not a JSON object. */
  readonly receiptHash: string | undefined;
}

const UNREADABLE: SignatureCheck = { valid: false, keyId: undefined, trusted: false, reason: 'receipt unreadable' };

/**
 * Verifies an AITBC receipt locally from its exact text. Reports invalid receipts instead of throwing.
 *
 * @param receipt the receipt's JSON text or UTF-8 bytes as received, or the result of {@link parseLosslessJson}
 */
export function verifyReceipt(
  receipt: string | Uint8Array | JsonNode,
  options: VerifyReceiptOptions = {},
): ReceiptVerification {
  const read = readReceipt(receipt);
  const members = read?.members;
  if (members === undefined) return unreadable('receipt_unreadable:not a JSON object');
  let best: ReceiptVerification;
  try {
    best = verifyMembers(members, [], options);
    const removable = POST_SIGNING_MEMBERS.filter((name) => members.has(name));
    if (!best.verified && options.mode !== 'strict' && removable.length > 0) {
      const tolerant = verifyMembers(members, removable, options);
      if (tolerant.minerSignature.valid) best = tolerant;
    }
    const unsigned = options.mode === 'strict' ? unsignedSpelling(read?.text ?? '', members) : undefined;
    if (unsigned !== undefined) {
      const failureReasons = [...best.failureReasons, `not_as_signed:${unsigned}`];
      best = { ...best, verified: false, trusted: false, failureReasons };
    }
  } catch {
    return unreadable('receipt_unreadable:a number is out of range');
  }
  return best;
}

function unreadable(reason: string): ReceiptVerification {
  return {
    verified: false,
    trusted: false,
    mode: 'strict',
    minerSignature: UNREADABLE,
    attestations: [],
    unauthenticatedFields: [],
    failureReasons: [reason],
    receiptHash: undefined,
  };
}

function readReceipt(
  receipt: string | Uint8Array | JsonNode,
): { readonly members: JsonMembers; readonly text: string } | undefined {
  try {
    const text =
      receipt instanceof Uint8Array
        ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(receipt)
        : receipt;
    const members = typeof text === 'string' ? parseLosslessJson(text) : text;
    if (!isJsonMembers(members)) return undefined;
    return { members, text: typeof text === 'string' ? text : stringifyLosslessJson(members) };
  } catch {
    return undefined;
  }
}

function verifyMembers(
  members: JsonMembers,
  removed: readonly string[],
  options: VerifyReceiptOptions,
): ReceiptVerification {
  const message = receiptMessage(members, removed);
  const signers = pinnedKeys(options.trustedSigners);
  const attesters = pinnedKeys(options.trustedAttesters);
  const minerSignature = checkSignature(message, members.get('signature'), signers);
  const unauthenticated = [...removed];
  const attestations: SignatureCheck[] = [];
  const list = members.get('attestations');
  if (Array.isArray(list)) {
    for (const [index, entry] of (list as readonly JsonNode[]).entries()) {
      attestations.push(checkAttestation(message, entry, attesters));
      if (isJsonMembers(entry)) {
        for (const name of ['type', 'timestamp']) {
          if (entry.has(name)) unauthenticated.push(`attestations[${index}].${name}`);
        }
      }
    }
  } else if (list !== undefined && list !== null) {
    attestations.push({ valid: false, keyId: undefined, trusted: false, reason: 'attestations is not a list' });
  }

  const failureReasons: string[] = [];
  if (!minerSignature.valid) failureReasons.push(`miner_signature_invalid:${minerSignature.keyId ?? 'unknown'}`);
  for (const check of attestations) {
    if (!check.valid) failureReasons.push(`coordinator_attestation_invalid:${check.keyId ?? 'unknown'}`);
  }
  const implausible = plausibility(members, options);
  for (const reason of implausible) failureReasons.push(reason);
  const verified = minerSignature.valid && attestations.every((check) => check.valid) && implausible.length === 0;
  return {
    verified,
    trusted: verified && minerSignature.trusted && attestations.every((check) => check.trusted),
    mode: removed.length > 0 ? 'tolerant' : 'strict',
    minerSignature,
    attestations,
    unauthenticatedFields: unauthenticated,
    failureReasons,
    receiptHash: bytesToHex(sha256(message)),
  };
}

/** Supports `{alg, key_id, sig}` of deployed coordinators and the documented `{sig, public_key}`. */
function checkSignature(
  message: Uint8Array,
  signature: JsonNode | undefined,
  pinned: ReadonlySet<string>,
): SignatureCheck {
  if (!isJsonMembers(signature)) {
    return { valid: false, keyId: undefined, trusted: false, reason: 'signature missing' };
  }
  const keyText = signature.get('public_key') ?? signature.get('key_id');
  const keyId = typeof keyText === 'string' ? keyText : undefined;
  const alg = signature.get('alg');
  const assumed = alg === undefined && signature.has('public_key');
  if (alg !== 'Ed25519' && !assumed) {
    return { valid: false, keyId, trusted: false, reason: 'unsupported algorithm' };
  }
  const key = decodeBase64Exact(keyText, 32);
  const sig = decodeBase64Exact(signature.get('sig'), 64);
  if (key === undefined) return { valid: false, keyId, trusted: false, reason: 'public key malformed' };
  if (sig === undefined) return { valid: false, keyId, trusted: false, reason: 'signature malformed' };
  const canonicalKeyId = encodeBase64Url(key);
  const valid = holds(sig, message, key);
  return {
    valid,
    keyId: canonicalKeyId,
    trusted: valid && pinned.has(canonicalKeyId),
    ...(!valid && { reason: 'signature mismatch' }),
  };
}

/** The documented `{type, timestamp, signature}` does not name a key, so only pinned keys can verify it. */
function checkAttestation(message: Uint8Array, entry: JsonNode, pinned: ReadonlySet<string>): SignatureCheck {
  if (!isJsonMembers(entry)) {
    return { valid: false, keyId: undefined, trusted: false, reason: 'attestation is not an object' };
  }
  const bare = entry.get('signature');
  if (typeof bare !== 'string' || entry.has('sig')) return checkSignature(message, entry, pinned);
  const sig = decodeBase64Exact(bare, 64);
  if (sig === undefined) return { valid: false, keyId: undefined, trusted: false, reason: 'signature malformed' };
  for (const keyId of pinned) {
    const key = decodeBase64Exact(keyId, 32);
    if (key !== undefined && holds(sig, message, key)) return { valid: true, keyId, trusted: true };
  }
  const reason = pinned.size === 0 ? 'no key: pin the attester to check it' : 'signature mismatch';
  return { valid: false, keyId: undefined, trusted: false, reason };
}

function holds(sig: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  try {
    // Strict RFC 8032 rules: no non-canonical points, no small-order keys.
    return ed25519.verify(sig, message, key, { zip215: false });
  } catch {
    return false;
  }
}

function pinnedKeys(keys: readonly string[] | undefined): ReadonlySet<string> {
  const set = new Set<string>();
  for (const text of keys ?? []) {
    const key = decodeBase64Exact(text, 32);
    if (key !== undefined) set.add(encodeBase64Url(key));
  }
  return set;
}

function plausibility(members: JsonMembers, options: VerifyReceiptOptions): string[] {
  const number = (name: string): number | undefined => {
    const node = members.get(name);
    return node instanceof JsonNumber ? node.valueOf() : undefined;
  };
  const reasons: string[] = [];
  const started = number('started_at');
  const completed = number('completed_at');
  if (started !== undefined && completed !== undefined && completed < started) {
    reasons.push('implausible:completed_at before started_at');
  }
  for (const name of ['units', 'price']) {
    if ((number(name) ?? 0) < 0) reasons.push(`implausible:${name} is negative`);
  }
  if (options.chainId !== undefined && number('chain_id') !== options.chainId) {
    reasons.push(`chain_id_mismatch:expected ${options.chainId}`);
  }
  if (options.maxAgeSeconds !== undefined) {
    const age = (options.now ?? Date.now)() / 1000 - (completed ?? Number.NEGATIVE_INFINITY);
    if (age > options.maxAgeSeconds) reasons.push('receipt_too_old');
  }
  return reasons;
}
