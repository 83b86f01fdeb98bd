import { QuarryError } from '../../../errors/index.js';
import { decodeBcs, encodeBcs } from '../bcs/index.js';
import { type Address, normaliseId } from '../id.js';
import { transactionSigningHash } from '../transaction/index.js';
import { verifyEd25519 } from './ed25519.js';
import { type MultisigSignature, multisigAddress, multisigBodyCodec, verifyMultisig } from './multisig.js';
import {
  addressOfPublicKey,
  encodeSingleSignature,
  SCHEME_FLAGS,
  SINGLE_SIGNATURE_BYTES,
  type SingleSignature,
} from './signature.js';

/** A sender's signature: of one key or of a multisig account. */
export type UserSignature = SingleSignature | MultisigSignature;

/** Serialises a signature: a flag byte, then the scheme's own format. 97 bytes for a single key. */
export function encodeUserSignature(signature: UserSignature): Uint8Array {
  if (signature.scheme === 'ed25519') return encodeSingleSignature(signature);
  const body = encodeBcs(multisigBodyCodec, signature);
  return Uint8Array.of(SCHEME_FLAGS.multisig, ...body);
}

/**
 * Decodes a serialised signature.
 *
 * @throws QuarryError `BCS_INVALID` when the flag is not a scheme for senders
 * @throws QuarryError `BCS_INVALID` when the length or layout is wrong
 */
export function decodeUserSignature(bytes: Uint8Array): UserSignature {
  const flag = bytes[0];
  if (flag === SCHEME_FLAGS.ed25519) {
    if (bytes.length !== SINGLE_SIGNATURE_BYTES) {
      throw new QuarryError('BCS_INVALID', `an Ed25519 user signature has 97 bytes, got ${bytes.length}`);
    }
    return { scheme: 'ed25519', signature: bytes.slice(1, 65), publicKey: bytes.slice(65) };
  }
  if (flag === SCHEME_FLAGS.multisig) {
    return { scheme: 'multisig', ...decodeBcs(multisigBodyCodec, bytes.subarray(1), 'MultiSig') };
  }
  throw new QuarryError('BCS_INVALID', `no user signature scheme has flag ${flag ?? '(none)'}`);
}

/**
 * The account a signature belongs to.
 *
 * @throws QuarryError `SIGNATURE_INVALID` when a multisig committee is not valid
 */
export function addressOfSignature(signature: UserSignature): Address {
  return signature.scheme === 'ed25519'
    ? addressOfPublicKey(signature.publicKey)
    : multisigAddress(signature.committee);
}

/**
 * Checks that `signature` is the sender's and valid for the transaction.
 *
 * @param transactionBytes BCS of TransactionData
 * @param signature serialised or decoded
 * @throws QuarryError `BCS_INVALID` when a serialised signature is malformed
 * @throws QuarryError `SIGNATURE_INVALID` when it belongs to another account
 * @throws QuarryError `SIGNATURE_INVALID` when it does not verify over these bytes
 */
export function verifyTransactionSignature(
  transactionBytes: Uint8Array,
  signature: UserSignature | Uint8Array,
  sender: Address,
): void {
  const decoded = signature instanceof Uint8Array ? decodeUserSignature(signature) : signature;
  const signer = addressOfSignature(decoded);
  if (signer !== normaliseId(sender)) {
    throw new QuarryError('SIGNATURE_INVALID', "the signature is not the sender's", {
      details: { sender: normaliseId(sender), signer },
    });
  }
  const message = transactionSigningHash(transactionBytes);
  if (decoded.scheme === 'multisig') {
    verifyMultisig(message, decoded);
  } else if (!verifyEd25519(message, decoded.signature, decoded.publicKey)) {
    throw new QuarryError('SIGNATURE_INVALID', 'the signature does not verify over the transaction', {
      details: { sender: signer },
    });
  }
}
