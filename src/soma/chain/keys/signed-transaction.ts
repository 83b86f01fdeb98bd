import { base64 } from '@scure/base';
import { QuarryError } from '../../../errors/index.js';
import { BcsReader, BcsWriter, bytes, vector } from '../bcs/index.js';
import type { Digest } from '../digest.js';
import {
  decodeTransactionData,
  encodeTransactionData,
  TRANSACTION_INTENT,
  type TransactionData,
  transactionDataCodec,
  transactionDigest,
} from '../transaction/index.js';
import type { Signer } from './keypair.js';
import { decodeUserSignature, verifyTransactionSignature } from './user-signature.js';

/** A transaction ready to be sent. */
export interface SignedTransaction {
  readonly data: TransactionData;
  /** BCS of `data`, which is what was signed. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Serialised user signatures; the network requires exactly one, the sender's. */
  readonly signatures: readonly Uint8Array[];
}

/**
 * Encodes, hashes and signs a transaction.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a field is outside its type's range
 */
export async function signTransaction(data: TransactionData, signer: Signer): Promise<SignedTransaction> {
  const encoded = encodeTransactionData(data);
  const signature = await signer.signTransaction(encoded);
  return { data, bytes: encoded, digest: transactionDigest(encoded), signatures: [signature] };
}

const signaturesCodec = vector(bytes);

/** BCS of SenderSignedData, which the official tools call a signed transaction. */
export function encodeSignedTransaction(transaction: Pick<SignedTransaction, 'bytes' | 'signatures'>): Uint8Array {
  const writer = new BcsWriter(transaction.bytes.length + 128);
  writer.uleb128(1);
  writer.raw(TRANSACTION_INTENT);
  writer.raw(transaction.bytes);
  signaturesCodec.write(writer, transaction.signatures);
  return writer.finish();
}

/**
 * Decodes a signed transaction. Its signatures are parsed but not verified.
 *
 * @throws QuarryError `BCS_INVALID` when the bytes are malformed
 * @throws QuarryError `BCS_INVALID` when the intent is not that of a user transaction
 */
export function decodeSignedTransaction(encoded: Uint8Array): SignedTransaction {
  const reader = new BcsReader(encoded, 'SenderSignedData');
  const count = reader.uleb128();
  if (count !== 1) throw reader.invalid(`${count} transactions instead of 1`);
  const intent = reader.raw(TRANSACTION_INTENT.length);
  if (intent.some((byte, index) => byte !== TRANSACTION_INTENT[index])) {
    throw reader.invalid('an intent other than that of a user transaction');
  }
  const start = reader.offset;
  const data = transactionDataCodec.read(reader);
  const own = encoded.slice(start, reader.offset);
  const signatures = signaturesCodec.read(reader);
  reader.finish();
  for (const signature of signatures) decodeUserSignature(signature);
  return { data, bytes: own, digest: transactionDigest(own), signatures };
}

/**
 * Checks that a signed transaction has exactly one signature, its sender's.
 *
 * @throws QuarryError `SIGNATURE_INVALID` when the number of signatures is wrong, or the signature is another account's
 * or invalid
 */
export function verifySignedTransaction(transaction: SignedTransaction): void {
  const [signature] = transaction.signatures;
  if (signature === undefined || transaction.signatures.length !== 1) {
    throw new QuarryError(
      'SIGNATURE_INVALID',
      `a transaction carries exactly one signature, got ${transaction.signatures.length}`,
    );
  }
  verifyTransactionSignature(transaction.bytes, signature, transaction.data.sender);
}

/** Encodes a transaction, signed or not, in base64, the form used for offline signing. */
export function toBase64(encoded: Uint8Array): string {
  return base64.encode(encoded);
}

/**
 * The bytes of base64 text.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the text is not base64
 */
export function fromBase64(text: string): Uint8Array {
  try {
    return base64.decode(text.trim());
  } catch (error) {
    throw new QuarryError('INVALID_ARGUMENT', 'the text is not base64', { cause: error });
  }
}

/** A parsed transaction text: a transaction to be signed, or a signed one. */
export type TransactionText =
  | { readonly kind: 'unsigned'; readonly data: TransactionData; readonly bytes: Uint8Array; readonly digest: Digest }
  | ({ readonly kind: 'signed' } & SignedTransaction);

/**
 * Parses base64 of TransactionData or SenderSignedData, the two forms printed by the official tool. They differ in the
 * first byte: version 0 in the former, list length 1 in the latter.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the text is not base64
 * @throws QuarryError `BCS_INVALID` when the bytes are neither
 */
export function parseTransactionText(text: string): TransactionText {
  const encoded = fromBase64(text);
  if (encoded[0] === 1) return { kind: 'signed', ...decodeSignedTransaction(encoded) };
  const data = decodeTransactionData(encoded);
  return { kind: 'unsigned', data, bytes: encoded, digest: transactionDigest(encoded) };
}
