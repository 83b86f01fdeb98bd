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

/** A transaction to sign elsewhere. */
export interface UnsignedTransaction {
  readonly data: TransactionData;
  /** BCS of `data`. */
  readonly bytes: Uint8Array;
  /** BCS in base64, as used by the official tools. */
  readonly base64: string;
  readonly digest: string;
}

/** A submission for a target. */
export interface SubmitDataOptions extends SendOptions {
  /** The target to fill. */
  readonly targetId: ObjectId;
  /** URL, checksum and size of the hosted plain data. */
  readonly manifest: Manifest;
  /** The model with the lowest loss among the target's. */
  readonly modelId: ObjectId;
  /** The winning model's embedding, `[target_embedding_dim]`. */
  readonly embedding: Float32Array;
  /** Cosine distance to the target; rounded to f32. */
  readonly distance: number;
  /** The winning model's loss; rounded to f32. */
  readonly loss: number;
}

/** A model to create. */
export interface CreateModelOptions extends SendOptions {
  /** The owner's share of the model's rewards, 0 to 10,000 basis points. */
  readonly commissionRateBps: number | bigint;
  /** Default: the network's minimum. */
  readonly stakeShannons?: bigint | undefined;
  /** Default: the network's. */
  readonly architectureVersion?: bigint | undefined;
}

/** Result of creating a model. */
export interface CreatedModel extends TransactionResult {
  readonly modelId: ObjectId;
  readonly stakingPoolId: ObjectId;
  readonly stakedSomaId: ObjectId;
}

/** Weights to commit to; they are revealed in the next epoch. */
export interface CommitModelOptions extends SendOptions {
  /** A model of this account. */
  readonly modelId: ObjectId;
  /** Manifest of the encrypted weights. */
  readonly manifest: Manifest;
  /** AES-256 key, 32 bytes. Only its hash is sent. */
  readonly decryptionKey: Uint8Array;
  /** `[target_embedding_dim]`. Only its hash is sent. */
  readonly embedding: Float32Array;
}

/** What was committed to in the previous epoch. */
export interface RevealModelOptions extends SendOptions {
  /** A model of this account. */
  readonly modelId: ObjectId;
  /** AES-256 key, 32 bytes, as committed. */
  readonly decryptionKey: Uint8Array;
  /** `[target_embedding_dim]`, as committed. */
  readonly embedding: Float32Array;
}

/** An amount, or the whole of a given coin. */
export type AmountOrCoin = { readonly amountShannons: bigint } | { readonly coinId: ObjectId };

/** Converts a transaction to its unsigned forms. */
export function unsigned(data: TransactionData): UnsignedTransaction {
  const bytes = encodeTransactionData(data);
  return { data, bytes, base64: toBase64(bytes), digest: transactionDigest(data) };
}
