export { verifyEd25519 } from './ed25519.js';
export { Keypair, type Signer } from './keypair.js';
export {
  checkMultisigCommittee,
  combineMultisig,
  MULTISIG_MAX_MEMBERS,
  type MultisigCommittee,
  type MultisigMember,
  type MultisigSignature,
  multisigAddress,
  verifyMultisig,
} from './multisig.js';
export {
  generateMnemonic,
  MNEMONIC_WORD_COUNTS,
  type MnemonicWordCount,
  type ParsedSecret,
  parseKeystoreEntry,
  parseSecret,
  SECRET_HRP,
  type SecretFormat,
  secretFromMnemonic,
  secretToText,
} from './secret-formats.js';
export {
  addressOfPublicKey,
  encodeSingleSignature,
  SCHEME_FLAGS,
  SINGLE_SIGNATURE_BYTES,
  type SingleSignature,
} from './signature.js';
export {
  decodeSignedTransaction,
  encodeSignedTransaction,
  fromBase64,
  parseTransactionText,
  type SignedTransaction,
  signTransaction,
  type TransactionText,
  toBase64,
  verifySignedTransaction,
} from './signed-transaction.js';
export { DEFAULT_DERIVATION_PATH, deriveEd25519 } from './slip10.js';
export {
  addressOfSignature,
  decodeUserSignature,
  encodeUserSignature,
  type UserSignature,
  verifyTransactionSignature,
} from './user-signature.js';
