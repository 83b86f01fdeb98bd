import { createPublicKey, type KeyObject, verify as verifyNatively } from 'node:crypto';
import type { Address } from '../../soma/chain/id.js';
import { addressOfPublicKey } from '../../soma/chain/keys/signature.js';
import { decodeUserSignature, verifyTransactionSignature } from '../../soma/chain/keys/user-signature.js';
import { transactionSigningHash } from '../../soma/chain/transaction/index.js';

/** DER prefix of a raw Ed25519 key in SubjectPublicKeyInfo (RFC 8410). */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Number of parsed keys cached. */
const KEYS_KEPT = 1_024;

/**
 * Verifies senders' signatures: natively first, and if that rejects one, by the library's own rules, which accept
 * slightly more.
 */
export class SignatureVerifier {
  readonly #keys = new Map<Address, KeyObject>();

  /**
   * @param transactionBytes BCS of TransactionData
   * @param signature serialised
   * @throws QuarryError `BCS_INVALID`, `SIGNATURE_INVALID` as {@link verifyTransactionSignature} gives them
   */
  check(transactionBytes: Uint8Array, signature: Uint8Array, sender: Address): void {
    if (!this.#isNativelyValid(transactionBytes, signature, sender)) {
      verifyTransactionSignature(transactionBytes, signature, sender);
    }
  }

  #isNativelyValid(transactionBytes: Uint8Array, serialised: Uint8Array, sender: Address): boolean {
    const decoded = decodeUserSignature(serialised);
    if (decoded.scheme !== 'ed25519' || addressOfPublicKey(decoded.publicKey) !== sender) return false;
    let key = this.#keys.get(sender);
    try {
      key ??= createPublicKey({
        key: Buffer.concat([ED25519_SPKI_PREFIX, decoded.publicKey]),
        format: 'der',
        type: 'spki',
      });
    } catch {
      return false;
    }
    this.#keys.set(sender, key);
    const oldest = this.#keys.size > KEYS_KEPT ? this.#keys.keys().next().value : undefined;
    if (oldest !== undefined) this.#keys.delete(oldest);
    return verifyNatively(null, transactionSigningHash(transactionBytes), key, decoded.signature);
  }
}
