import { type Codec, decodeBcs, encodeBcs, struct, vector, versionOne } from '../bcs/index.js';
import { blake2b256, type Digest, digestFromBytes, typedHash } from '../digest.js';
import { type Address, idCodec } from '../id.js';
import { type ObjectRef, objectRefCodec } from '../object-ref.js';
import { type TransactionKind, transactionKindCodec } from './transaction-kind.js';

/** A transaction before it is signed, version 1. */
export interface TransactionData {
  readonly kind: TransactionKind;
  readonly sender: Address;
  /** Gas coins; the first one is charged and the others are merged into it. Empty only for system transactions. */
  readonly gasPayment: readonly ObjectRef[];
}

/** BCS of `TransactionData::V1`. */
export const transactionDataCodec: Codec<TransactionData> = versionOne(
  struct<TransactionData>({
    kind: transactionKindCodec,
    sender: idCodec,
    gasPayment: vector(objectRefCodec),
  }),
);

/** Maximum serialised size of a transaction accepted by consensus, bytes (`consensus_max_transaction_size_bytes`). */
export const MAX_TRANSACTION_BYTES = 262_144;

/**
 * BCS of a transaction, which is what is signed and hashed.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a field is outside its type's range
 */
export function encodeTransactionData(data: TransactionData): Uint8Array {
  return encodeBcs(transactionDataCodec, data);
}

/**
 * The transaction that `bytes` encode.
 *
 * @throws QuarryError `BCS_INVALID` when the bytes are malformed
 */
export function decodeTransactionData(bytes: Uint8Array): TransactionData {
  return decodeBcs(transactionDataCodec, bytes, 'TransactionData');
}

/** The digest of a transaction given as data or BCS bytes: BLAKE2b-256 of `TransactionData::` and the BCS, base58. */
export function transactionDigest(transaction: TransactionData | Uint8Array): Digest {
  return digestFromBytes(transactionDigestBytes(transaction));
}

/** {@link transactionDigest} as 32 bytes. */
export function transactionDigestBytes(transaction: TransactionData | Uint8Array): Uint8Array {
  return typedHash('TransactionData', bytesOf(transaction));
}

/**
 * The 32-byte message a sender signs: BLAKE2b-256 of the intent and the BCS. The intent of a user transaction is scope 0
 * (TransactionData), version 0, application 1 (Soma).
 */
export function transactionSigningHash(transaction: TransactionData | Uint8Array): Uint8Array {
  return blake2b256(TRANSACTION_INTENT, bytesOf(transaction));
}

/** The intent bytes of a user transaction. `types/src/intent.rs`. */
export const TRANSACTION_INTENT: Uint8Array = Uint8Array.of(0, 0, 1);

function bytesOf(transaction: TransactionData | Uint8Array): Uint8Array {
  return transaction instanceof Uint8Array ? transaction : encodeTransactionData(transaction);
}
