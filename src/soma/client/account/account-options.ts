import {
  encodeTransactionData,
  type Manifest,
  type ObjectId,
  type TransactionData,
  toBase64,
  transactionDigest,
} from '../../chain/index.js';
import type { TransactionResult } from '../execute/execute-transaction.js';
import type { SendOptions } from './send-options.js';

/** A transaction to be signed elsewhere. */
export interface UnsignedTransaction {
  readonly data: TransactionData;
  /** BCS of `data`. */
  readonly bytes: Uint8Array;
  /** The same as base64, as the official tools pass it around. */
  readonly base64: string;
  readonly digest: string;
}

/** What is submitted for a target. */
export interface SubmitDataOptions extends SendOptions {
  readonly targetId: ObjectId;
  /** Of the plain data: where it is hosted, its checksum and size. */
  readonly manifest: Manifest;
  /** The model with the lowest loss among the target's. */
  readonly modelId: ObjectId;
  /** The winner's embedding, `[target_embedding_dim]`. */
  readonly embedding: Float32Array;
  /** Cosine distance to the target; rounded to f32. */
  readonly distance: number;
  /** The winner's loss; rounded to f32. */
  readonly loss: number;
}

export interface CreateModelOptions extends SendOptions {
  /** Basis points. */
  readonly commissionRateBps: number | bigint;
  /** Default: the network's minimum. */
  readonly stakeShannons?: bigint | undefined;
  /** Default: the network's. */
  readonly architectureVersion?: bigint | undefined;
}

/** What creating a model did. */
export interface CreatedModel extends TransactionResult {
  readonly modelId: ObjectId;
  readonly stakingPoolId: ObjectId;
  readonly stakedSomaId: ObjectId;
}

export interface CommitModelOptions extends SendOptions {
  readonly modelId: ObjectId;
  /** Of the encrypted weights. */
  readonly manifest: Manifest;
  /** AES-256 key, 32 bytes. Only its hash is sent. */
  readonly decryptionKey: Uint8Array;
  /** `[target_embedding_dim]`. Only its hash is sent. */
  readonly embedding: Float32Array;
}

export interface RevealModelOptions extends SendOptions {
  readonly modelId: ObjectId;
  readonly decryptionKey: Uint8Array;
  readonly embedding: Float32Array;
}

/** How much: an amount, or the whole of a coin that is named. */
export type AmountOrCoin = { readonly amountShannons: bigint } | { readonly coinId: ObjectId };

/** A transaction with the forms in which it travels. */
export function unsigned(data: TransactionData): UnsignedTransaction {
  const bytes = encodeTransactionData(data);
  return { data, bytes, base64: toBase64(bytes), digest: transactionDigest(data) };
}
