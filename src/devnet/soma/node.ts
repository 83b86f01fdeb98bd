import { QuarryError } from '../../errors/index.js';
import type { CheckpointSummary, EndOfEpochData } from '../../soma/chain/checkpoint.js';
import type { Digest } from '../../soma/chain/digest.js';
import {
  encodeTransactionData,
  isSystemKind,
  MAX_TRANSACTION_BYTES,
  type TransactionData,
  transactionDigest,
} from '../../soma/chain/transaction/index.js';
import type { CertifiedBy } from './checkpoints/certify.js';
import { type Checkpoint, CheckpointLog } from './checkpoints/checkpoint-log.js';
import type { Genesis } from './ledger/genesis.js';
import { InputRejection } from './ledger/input-rejection.js';
import type { ExecutedTransaction } from './ledger/ledger.js';
import { Ledger } from './ledger/ledger.js';
import { RpcStatus } from './rpc/rpc-status.js';
import type { ParameterOverrides } from './state/system-parameters.js';
import type { SystemState } from './state/system-state.js';
import { SignatureVerifier } from './verify-signature.js';
import { VisibleState } from './visible-state.js';

/** Record of an epoch. */
export interface EpochRecord {
  /** The system state at the start of the epoch. */
  readonly startState: SystemState;
  readonly firstCheckpoint: bigint;
  readonly startMs: bigint;
  /** Absent for the current epoch. */
  readonly lastCheckpoint?: bigint | undefined;
  readonly endMs?: bigint | undefined;
}

/** Number of past epochs whose records are kept. */
const EPOCHS_KEPT = 512n;

/** Behaviour of a node beyond the rules of the chain. */
export interface DevnetNodeOptions {
  readonly genesis: Genesis;
  readonly genesisTimestampMs: bigint;
  /** Creates the validators' signature over a checkpoint summary. */
  readonly signSummary: (summary: CheckpointSummary) => CertifiedBy;
  readonly serverVersion: string;
  /** Number of checkpoints kept. */
  readonly retainCheckpoints: number;
  readonly retainTransactions: number;
  /** How long a transaction's inputs stay locked before it executes; 0 executes immediately. */
  readonly finalityDelayMs: number;
  /** Delay of rejections that the network retries; 90 s on the real network. */
  readonly abortedRejectionDelayMs: number;
  /**
   * Delay between a transaction's execution and its visibility in reads, unless its checkpoint comes first; 0 makes it
   * visible immediately.
   */
  readonly readLagMs: number;
  /** Parameters that persist across protocol upgrades. */
  readonly parameterOverrides: ParameterOverrides;
}

/** Dependencies of a node. */
export interface DevnetNodeDeps {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const CONGESTED = { kind: 'executionCancelledDueToSharedObjectCongestion' } as const;

/** A fullnode with its validators: accepts and executes transactions, seals checkpoints, changes epochs. */
export class DevnetNode {
  readonly ledger: Ledger;
  readonly checkpoints: CheckpointLog;
  /** State that reads are served from. */
  readonly visible: VisibleState;
  readonly chain = 'localnet';
  /** Digest of the genesis checkpoint, which identifies the chain. */
  readonly chainId: Digest;
  /** Name and version of the node. */
  readonly server: string;
  readonly signSummary: (summary: CheckpointSummary) => CertifiedBy;
  readonly epochs = new Map<bigint, EpochRecord>();
  readonly #options: DevnetNodeOptions;
  readonly #deps: DevnetNodeDeps;
  readonly #inProgress = new Map<Digest, Promise<ExecutedTransaction>>();
  readonly #executedListeners = new Set<(transaction: ExecutedTransaction) => void>();
  readonly #verifier = new SignatureVerifier();
  #firstOfEpochDue = false;

  constructor(options: DevnetNodeOptions, deps: DevnetNodeDeps) {
    this.#options = options;
    this.#deps = deps;
    this.server = `soma-node/${options.serverVersion}`;
    this.signSummary = options.signSummary;
    this.ledger = new Ledger(options.genesis);
    this.checkpoints = new CheckpointLog(this.ledger, options.genesisTimestampMs, options);
    this.chainId = this.checkpoints.latest.digest;
    this.visible = new VisibleState(this.ledger.genesis, options.readLagMs, deps.sleep);
    // Must be the first listener, so that a checkpoint's contents are readable once it is announced.
    this.checkpoints.subscribe(() => this.visible.showAll());
    this.epochs.set(0n, {
      startState: this.ledger.state,
      firstCheckpoint: 0n,
      startMs: options.genesisTimestampMs,
    });
  }

  /** Milliseconds since the Unix epoch. */
  nowMs(): bigint {
    return BigInt(Math.floor(this.#deps.now()));
  }

  /** Calls `listener` right after each execution; returns a function that unsubscribes. */
  onExecuted(listener: (transaction: ExecutedTransaction) => void): () => void {
    this.#executedListeners.add(listener);
    return () => this.#executedListeners.delete(listener);
  }

  /**
   * Checks and executes a user transaction and queues it for the next checkpoint. Submitting it again gives the same
   * result.
   *
   * @param signatures serialised; exactly one, the sender's
   * @param isCongested called once at execution: whether to cancel it for congestion instead
   * @throws RpcStatus in the same way as a fullnode
   */
  async submit(
    data: TransactionData,
    signatures: readonly Uint8Array[],
    isCongested: () => boolean = () => false,
  ): Promise<ExecutedTransaction> {
    if (isSystemKind(data.kind.kind)) {
      throw RpcStatus.invalid('transaction', 'invalid transaction: system transactions cannot be submitted');
    }
    const bytes = encodeTransactionData(data);
    if (bytes.length > MAX_TRANSACTION_BYTES) {
      const text = `invalid transaction: serialized transaction size exceeded maximum of ${MAX_TRANSACTION_BYTES} bytes`;
      throw RpcStatus.invalid('transaction', text);
    }
    const digest = transactionDigest(bytes);
    verify(this.#verifier, bytes, signatures, data.sender);
    const known = this.ledger.transaction(digest);
    if (known !== undefined) return settled(known, signatures);
    const running = this.#inProgress.get(digest);
    if (running !== undefined) return running;
    const run = this.#finalise(data, digest, signatures, isCongested);
    this.#inProgress.set(digest, run);
    try {
      return await run;
    } finally {
      this.#inProgress.delete(digest);
    }
  }

  async #finalise(
    data: TransactionData,
    digest: Digest,
    signatures: readonly Uint8Array[],
    isCongested: () => boolean,
  ): Promise<ExecutedTransaction> {
    try {
      this.ledger.lock(data, digest);
      if (this.#options.finalityDelayMs > 0) await this.#deps.sleep(this.#options.finalityDelayMs);
      const cancelled = isCongested() ? CONGESTED : undefined;
      const executed = this.ledger.execute(data, digest, signatures, cancelled);
      this.checkpoints.append(executed);
      this.visible.append(executed);
      for (const listener of [...this.#executedListeners]) listener(executed);
      return executed;
    } catch (error) {
      this.ledger.unlock(data, digest);
      if (!(error instanceof InputRejection)) throw error;
      throw await this.#refusal(error);
    }
  }

  async #refusal(rejection: InputRejection): Promise<RpcStatus> {
    if (rejection.category === 'invalid') return new RpcStatus('INVALID_ARGUMENT', rejection.message);
    if (rejection.category === 'locked') return new RpcStatus('FAILED_PRECONDITION', rejection.message);
    if (this.#options.abortedRejectionDelayMs > 0) await this.#deps.sleep(this.#options.abortedRejectionDelayMs);
    const text =
      'Transaction timed out before finality could be reached. Attempts: 12 & timeout: 90s. Last error: Transaction ' +
      'processing aborted (retriable with another submission). Retriable errors: ' +
      `[${rejection.message} { validator-0 } with 10000 stake].`;
    return new RpcStatus('UNAVAILABLE', text);
  }

  /** Whether there are pending transactions, or a new epoch without a checkpoint. */
  get checkpointDue(): boolean {
    return this.checkpoints.pendingCount > 0 || this.#firstOfEpochDue;
  }

  /** Seals a checkpoint of the current epoch now. */
  sealCheckpoint(): Checkpoint {
    this.#firstOfEpochDue = false;
    return this.checkpoints.seal(this.nowMs(), this.ledger.state.epoch);
  }

  /**
   * Ends the current epoch: its last checkpoint contains all pending transactions and the system transaction.
   *
   * @param protocolVersion of the next epoch; default the current one
   * @returns the new epoch
   */
  changeEpoch(protocolVersion?: bigint): bigint {
    const { ledger, checkpoints } = this;
    const ending = ledger.state.epoch;
    const executed = ledger.changeEpoch(this.nowMs(), protocolVersion, this.#options.parameterOverrides);
    checkpoints.append(executed);
    this.visible.append(executed);
    const last = checkpoints.seal(this.nowMs(), ending, this.#endOfEpoch());
    ledger.resetEpochFees();
    const { state } = ledger;
    const record = this.epochs.get(ending);
    if (record !== undefined) {
      const endMs = last.summary.timestampMs;
      this.epochs.set(ending, { ...record, lastCheckpoint: last.sequenceNumber, endMs });
    }
    this.epochs.set(state.epoch, {
      startState: state,
      firstCheckpoint: last.sequenceNumber + 1n,
      startMs: state.epochStartTimestampMs,
    });
    this.epochs.delete(state.epoch - EPOCHS_KEPT);
    this.#firstOfEpochDue = true;
    for (const listener of [...this.#executedListeners]) listener(executed);
    return state.epoch;
  }

  #endOfEpoch(): EndOfEpochData {
    const { state } = this.ledger;
    return {
      nextEpochCommittee: state.validators.validators.map((each) => ({
        authorityKey: each.metadata.protocolPubkey,
        weight: each.votingPower,
      })),
      nextEpochProtocolVersion: state.protocolVersion,
      epochCommitments: [],
    };
  }
}

function verify(
  verifier: SignatureVerifier,
  bytes: Uint8Array,
  signatures: readonly Uint8Array[],
  sender: string,
): void {
  const [signature] = signatures;
  if (signature === undefined || signatures.length !== 1) {
    const text = `Invalid user signature: Expect 1 signer signatures but got ${signatures.length}`;
    throw new RpcStatus('INVALID_ARGUMENT', text);
  }
  try {
    verifier.check(bytes, signature, sender);
  } catch (error) {
    const detail = error instanceof QuarryError ? error.message : 'malformed';
    throw new RpcStatus('INVALID_ARGUMENT', `Invalid user signature: ${detail}`);
  }
}

function settled(known: ExecutedTransaction, signatures: readonly Uint8Array[]): ExecutedTransaction {
  const same = Buffer.compare(Buffer.from(known.signatures[0] ?? []), Buffer.from(signatures[0] ?? [])) === 0;
  if (same) return known;
  throw new RpcStatus('ABORTED', 'The transaction is already finalized but with different user signatures');
}
