import { QuarryError } from '../../../errors/index.js';
import { blake2b256 } from '../digest.js';
import { type Address, idFromBytes } from '../id.js';

/** First byte of a serialised signature and of a public key's address preimage. `types/src/crypto.rs`. */
export const SCHEME_FLAGS = { ed25519: 0x00, bls12381: 0x01, multisig: 0x02 } as const;

/** Bytes of a serialised single-key signature: flag, 64 of signature, 32 of public key. */
export const SINGLE_SIGNATURE_BYTES = 97;

/** An Ed25519 signature and its public key. */
export interface SingleSignature {
  readonly scheme: 'ed25519';
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The address of an Ed25519 public key: BLAKE2b-256 of the flag and the 32 key bytes. */
export function addressOfPublicKey(publicKey: Uint8Array): Address {
  if (publicKey.length !== 32) {
    throw new QuarryError('INVALID_ARGUMENT', `a public key has 32 bytes, got ${publicKey.length}`);
  }
  return idFromBytes(blake2b256(Uint8Array.of(SCHEME_FLAGS.ed25519), publicKey));
}

/** `flag || signature || public key`, 97 bytes. */
export function encodeSingleSignature(signature: SingleSignature): Uint8Array {
  if (signature.signature.length !== 64 || signature.publicKey.length !== 32) {
    throw new QuarryError('INVALID_ARGUMENT', 'an Ed25519 signature has 64 bytes and its public key 32', {
      details: { signatureBytes: signature.signature.length, publicKeyBytes: signature.publicKey.length },
    });
  }
  const out = new Uint8Array(SINGLE_SIGNATURE_BYTES);
  out[0] = SCHEME_FLAGS.ed25519;
  out.set(signature.signature, 1);
  out.set(signature.publicKey, 65);
  return out;
}
