import { ed25519 } from '@noble/curves/ed25519.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { encodeBase64Url } from './base64.js';
import { canonicalJson } from './canonical-json.js';
import type { JsonMembers, JsonNode } from './lossless-json.js';

/** A receipt signature in the format of deployed coordinators. */
export interface ReceiptSignature {
  readonly alg: 'Ed25519';
  /** The raw 32-byte public key, base64url without padding. */
  readonly key_id: string;
  /** The raw 64-byte signature, base64url without padding. */
  readonly sig: string;
}

/** Fields of a receipt that its signatures do not cover. */
export const SIGNATURE_MEMBERS: readonly string[] = ['signature', 'attestations'];

/**
 * The signed bytes of a receipt: the canonical text in UTF-8, without `signature`, `attestations` and the fields in
 * `without`.
 */
export function receiptMessage(receipt: JsonMembers, without: readonly string[] = []): Uint8Array {
  const payload = new Map<string, JsonNode>(receipt);
  for (const name of [...SIGNATURE_MEMBERS, ...without]) payload.delete(name);
  return utf8ToBytes(canonicalJson(payload));
}

/** Signs a receipt with a raw 32-byte Ed25519 seed. Also for attestations, which cover the same bytes. */
export function signReceipt(receipt: JsonMembers, seed: Uint8Array): ReceiptSignature {
  return {
    alg: 'Ed25519',
    key_id: encodeBase64Url(ed25519.getPublicKey(seed)),
    sig: encodeBase64Url(ed25519.sign(receiptMessage(receipt), seed)),
  };
}
