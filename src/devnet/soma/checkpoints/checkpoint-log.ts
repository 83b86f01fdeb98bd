import {
  type CheckpointContents,
  type CheckpointSummary,
  checkpointContentsDigest,
  checkpointDigest,
  type EndOfEpochData,
} from '../../../soma/chain/checkpoint.js';
import type { Digest } from '../../../soma/chain/digest.js';
import type { Address } from '../../../soma/chain/id.js';
import type { ExecutedTransaction, Ledger } from '../ledger/ledger.js';

/** Limits on the history kept. */
export interface CheckpointRetention {
  readonly retainCheckpoints: number;
  readonly retainTransactions: number;
}

/** A sealed checkpoint with its contents. */
export interface Checkpoint {
  readonly sequenceNumber: bigint;
  readonly digest: Digest;
  readonly summary: CheckpointSummary;
  readonly contents: CheckpointContents;
  readonly transactions: readonly ExecutedTransaction[];
}

/** The checkpoint of a transaction. */
export interface CheckpointPlace {
  readonly sequenceNumber: bigint;
  readonly timestampMs: bigint;
}

/** All checkpoints, the transactions pending for the next one, and balances as of the latest. */
export class CheckpointLog {
  readonly #ledger: Ledger;
  readonly #checkpoints = new Map<bigint, Checkpoint>();
  readonly #byDigest = new Map<Digest, bigint>();
  readonly #places = new Map<Digest, CheckpointPlace>();
  readonly #balances = new Map<Address, bigint>();
  readonly #listeners = new Set<(checkpoint: Checkpoint) => void>();
  readonly #retain: CheckpointRetention;
  #pending: ExecutedTransaction[] = [];
  #totalTransactions = 0n;
  #lowest = 0n;
  #latest: Checkpoint;

  /**
   * @param timestampMs time of genesis
   * @param retain checkpoints and transactions kept; older checkpoints are pruned with their transactions
   */
  constructor(ledger: Ledger, timestampMs: bigint, retain: CheckpointRetention) {
    this.#ledger = ledger;
    this.#retain = retain;
    this.#pending.push(ledger.genesis);
    this.#latest = this.seal(timestampMs, 0n);
  }

  /** The newest checkpoint. */
  get latest(): Checkpoint {
    return this.#latest;
  }

  /** The oldest checkpoint kept. */
  get lowest(): bigint {
    return this.#lowest;
  }

  /** Number of executed transactions pending for the next checkpoint. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  get(id: bigint | Digest): Checkpoint | undefined {
    const sequence = typeof id === 'bigint' ? id : this.#byDigest.get(id);
    return sequence === undefined ? undefined : this.#checkpoints.get(sequence);
  }

  /** The checkpoint of a transaction; `undefined` while it is pending. */
  placeOf(transaction: Digest): CheckpointPlace | undefined {
    return this.#places.get(transaction);
  }

  /** An owner's coins as of the latest checkpoint, in shannons. */
  balanceOf(owner: Address): bigint {
    return this.#balances.get(owner) ?? 0n;
  }

  /** Calls `listener` with every new checkpoint; returns a function that unsubscribes. */
  subscribe(listener: (checkpoint: Checkpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Queues an executed transaction for the next checkpoint. */
  append(transaction: ExecutedTransaction): void {
    this.#pending.push(transaction);
  }

  /**
   * Seals all pending transactions into a checkpoint, even if there are none, and notifies listeners.
   *
   * @param epoch the epoch the checkpoint belongs to
   */
  seal(timestampMs: bigint, epoch: bigint, endOfEpochData?: EndOfEpochData): Checkpoint {
    const transactions = this.#pending;
    this.#pending = [];
    this.#totalTransactions += BigInt(transactions.length);
    const previous: Checkpoint | undefined = this.#checkpoints.size === 0 ? undefined : this.#latest;
    const contents: CheckpointContents = {
      transactions: transactions.map((each) => ({ transaction: each.digest, effects: each.effectsDigest })),
      userSignatures: transactions.map((each) => each.signatures),
    };
    const before = previous?.summary.timestampMs ?? 0n;
    const summary: CheckpointSummary = {
      epoch,
      sequenceNumber: previous === undefined ? 0n : previous.sequenceNumber + 1n,
      networkTotalTransactions: this.#totalTransactions,
      contentDigest: checkpointContentsDigest(contents),
      previousDigest: previous?.digest,
      epochRollingTransactionFees: this.#ledger.epochFees,
      timestampMs: timestampMs > before ? timestampMs : before,
      checkpointCommitments: [],
      endOfEpochData,
      versionSpecificData: new Uint8Array(0),
    };
    const { sequenceNumber } = summary;
    const checkpoint = { sequenceNumber, digest: checkpointDigest(summary), summary, contents, transactions };
    this.#index(checkpoint);
    for (const listener of [...this.#listeners]) listener(checkpoint);
    return checkpoint;
  }

  #index(checkpoint: Checkpoint): void {
    const { sequenceNumber, digest, summary, transactions } = checkpoint;
    this.#checkpoints.set(sequenceNumber, checkpoint);
    this.#byDigest.set(digest, sequenceNumber);
    this.#latest = checkpoint;
    for (const transaction of transactions) {
      this.#places.set(transaction.digest, { sequenceNumber, timestampMs: summary.timestampMs });
      for (const [address, change] of transaction.balanceChanges) {
        this.#balances.set(address, (this.#balances.get(address) ?? 0n) + change);
      }
    }
    const isTooMuch = (): boolean =>
      this.#checkpoints.size > this.#retain.retainCheckpoints || this.#places.size > this.#retain.retainTransactions;
    while (isTooMuch() && this.#checkpoints.size > 1) {
      const oldest = this.#checkpoints.get(this.#lowest);
      this.#checkpoints.delete(this.#lowest);
      this.#lowest += 1n;
      if (oldest === undefined) continue;
      this.#byDigest.delete(oldest.digest);
      for (const { digest: gone } of oldest.transactions) {
        this.#places.delete(gone);
        this.#ledger.forget(gone);
      }
    }
  }
}
