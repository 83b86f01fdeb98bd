import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';

// DER prefixes of Ed25519 keys before their 32 raw bytes (RFC 8410, sections 4 and 7).
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);

function der(prefix: Uint8Array, raw: Uint8Array): Buffer {
  return Buffer.concat([prefix, raw]);
}

/** The public key of a 32-byte secret. */
export function ed25519PublicKey(secret: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(secret);
}

/** 32 random bytes for a secret. */
export function randomEd25519Secret(): Uint8Array {
  return ed25519.utils.randomSecretKey();
}

/**
 * Creates a signing function for a 32-byte secret. Signatures are deterministic (RFC 8032), 64 bytes. Uses OpenSSL,
 * which is thirty times as fast as JavaScript; races for targets are decided by milliseconds.
 */
export function ed25519Signer(secret: Uint8Array): (message: Uint8Array) => Uint8Array {
  const key: KeyObject = createPrivateKey({ key: der(PKCS8_PREFIX, secret), format: 'der', type: 'pkcs8' });
  return (message) => new Uint8Array(sign(null, message, key));
}

/**
 * Whether an Ed25519 signature over `message` is valid under ZIP 215, the rules of the network's library. All
 * signatures that OpenSSL accepts are valid under them; those it rejects are checked by a library that implements the
 * rules.
 */
export function verifyEd25519(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  try {
    const key = createPublicKey({ key: der(SPKI_PREFIX, publicKey), format: 'der', type: 'spki' });
    if (verify(null, message, key, signature)) return true;
  } catch {
    // OpenSSL rejects the key; the library below decides.
  }
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true });
  } catch {
    // The key or R is not a curve point, so the signature is invalid.
    return false;
  }
}
