import { blake2b256, type Digest, digestFromBytes } from '../../../soma/chain/digest.js';
import { type ExecutionFailure, effectsDigest, type TransactionEffects } from '../../../soma/chain/effects/index.js';
import { OBJECT_ID_ZERO, type ObjectId, SYSTEM_STATE_OBJECT_ID } from '../../../soma/chain/id.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import { type TransactionData, transactionDigest } from '../../../soma/chain/transaction/index.js';
import type { ParameterOverrides } from '../state/system-parameters.js';
import { systemParameters } from '../state/system-parameters.js';
import type { SystemState } from '../state/system-state.js';
import { executeChangeEpoch } from './change-epoch.js';
import { executeTransaction } from './execute-transaction.js';
import type { ExecutionOutcome } from './execution-outcome.js';
import type { Genesis } from './genesis.js';
import { lockedBy } from './input-rejection.js';
import type { LedgerObject } from './ledger-object.js';
import { ObjectStore } from './object-store.js';
import { type InputSource, ownedInputs, resolveInputs } from './resolve-inputs.js';

/** A transaction that was executed, successfully or not. */
export interface ExecutedTransaction extends ExecutionOutcome {
  readonly digest: Digest;
  readonly data: TransactionData;
  /** Serialised; empty for system transactions. */
  readonly signatures: readonly Uint8Array[];
  readonly effectsDigest: Digest;
}

/** The chain's state and the rules that change it. Knows nothing about time, network or checkpoints. */
export class Ledger {
  readonly objects = new ObjectStore();
  readonly #transactions = new Map<Digest, ExecutedTransaction>();
  readonly #locks = new Map<ObjectId, { readonly version: bigint; readonly holder: Digest }>();
  /** Fees of the current epoch so far, by component, in shannons. */
  epochFees = { baseFee: 0n, operationFee: 0n, valueFee: 0n, totalFee: 0n };
  /** Fees of all epochs, in shannons. */
  totalFees = 0n;
  readonly genesis: ExecutedTransaction;

  constructor(genesis: Genesis) {
    this.genesis = this.#commit(genesis.data, transactionDigest(genesis.data), [], genesis.outcome);
  }

  /** The current system state. */
  get state(): SystemState {
    return this.#systemObject.payload.state;
  }

  get #systemObject(): LedgerObject & { readonly payload: { readonly type: 'SystemState' } } {
    return this.objects.get(SYSTEM_STATE_OBJECT_ID) as LedgerObject & {
      readonly payload: { readonly type: 'SystemState'; readonly state: SystemState };
    };
  }

  /** Looks up an executed transaction. */
  transaction(digest: Digest): ExecutedTransaction | undefined {
    return this.#transactions.get(digest);
  }

  /** Removes a transaction that has been pruned. */
  forget(digest: Digest): void {
    this.#transactions.delete(digest);
  }

  /**
   * Locks a transaction's owned inputs until it is executed or released.
   *
   * @throws InputRejection when an input does not match its reference, or another transaction holds it
   */
  lock(data: TransactionData, digest: Digest): void {
    resolveInputs(this.objects, data);
    const refs = ownedInputs(data);
    for (const ref of refs) {
      const lock = this.#locks.get(ref.objectId);
      if (lock !== undefined && lock.version === ref.version && lock.holder !== digest) {
        throw lockedBy(ref, lock.holder);
      }
    }
    for (const { objectId, version } of refs) this.#locks.set(objectId, { version, holder: digest });
  }

  /**
   * Locks an object for a fictitious transaction until {@link release}.
   *
   * @returns the holder's digest
   */
  lockForStranger(ref: ObjectRef): Digest {
    const holder = digestFromBytes(blake2b256(new TextEncoder().encode(`${ref.objectId}/${ref.version}`)));
    this.#locks.set(ref.objectId, { version: ref.version, holder });
    return holder;
  }

  /** Releases a lock that `holder` has on an object. */
  release(objectId: ObjectId, holder: Digest): void {
    if (this.#locks.get(objectId)?.holder === holder) this.#locks.delete(objectId);
  }

  /** Releases the locks of {@link lock}. */
  unlock(data: TransactionData, digest: Digest): void {
    for (const { objectId } of ownedInputs(data)) {
      if (this.#locks.get(objectId)?.holder === digest) this.#locks.delete(objectId);
    }
  }

  /**
   * Executes a user transaction whose signature was verified, and commits its writes.
   *
   * @throws InputRejection when an input does not match its reference
   */
  execute(
    data: TransactionData,
    digest: Digest,
    signatures: readonly Uint8Array[],
    cancelled?: ExecutionFailure,
  ): ExecutedTransaction {
    const known = this.#transactions.get(digest);
    if (known !== undefined) return known;
    const executed = this.#commit(data, digest, signatures, this.preview(data, digest, [], cancelled));
    this.unlock(data, digest);
    return executed;
  }

  /**
   * The outcome that {@link execute} would have now; commits nothing.
   *
   * @param extra objects that exist only for this preview
   * @throws InputRejection when an input does not match its reference
   */
  preview(
    data: TransactionData,
    digest: Digest,
    extra: readonly LedgerObject[] = [],
    cancelled?: ExecutionFailure,
  ): ExecutionOutcome {
    const { inputs, deletedShared } =
      extra.length === 0 ? resolveInputs(this.objects, data) : this.#resolveWith(data, extra);
    const why = cancelled !== undefined && { cancelled };
    return executeTransaction({ data, digest, inputs, deletedShared, state: this.state, ...why });
  }

  #resolveWith(data: TransactionData, extra: readonly LedgerObject[]): ReturnType<typeof resolveInputs> {
    const overlay = new Map(extra.map((each) => [each.objectId, each]));
    const store: InputSource = {
      get: (id) => overlay.get(id) ?? this.objects.get(id),
      deletedAt: (id) => this.objects.deletedAt(id),
    };
    return resolveInputs(store, data);
  }

  /**
   * Executes the system transaction that starts the next epoch.
   *
   * @param overrides parameters that override those of the protocol version in the new epoch
   */
  changeEpoch(
    startTimestampMs: bigint,
    protocolVersion: bigint = this.state.protocolVersion,
    overrides: ParameterOverrides = {},
  ): ExecutedTransaction {
    const newEpoch = this.state.epoch + 1n;
    // All locks end with the epoch, including those of conflicting transactions.
    this.#locks.clear();
    const fees = this.epochFees.totalFee;
    const data: TransactionData = {
      kind: {
        kind: 'changeEpoch',
        epoch: newEpoch,
        epochStartTimestampMs: startTimestampMs,
        protocolVersion,
        fees,
        epochRandomness: new Uint8Array(32),
      },
      sender: OBJECT_ID_ZERO,
      gasPayment: [],
    };
    const digest = transactionDigest(data);
    const outcome = executeChangeEpoch(digest, this.#systemObject, {
      newEpoch,
      startTimestampMs,
      fees,
      protocolVersion,
      parametersOf: (version) => systemParameters(version, overrides),
    });
    return this.#commit(data, digest, [], outcome);
  }

  /** Resets the fee counters; called once the epoch's last checkpoint is sealed. */
  resetEpochFees(): void {
    this.epochFees = { baseFee: 0n, operationFee: 0n, valueFee: 0n, totalFee: 0n };
  }

  #commit(
    data: TransactionData,
    digest: Digest,
    signatures: readonly Uint8Array[],
    outcome: ExecutionOutcome,
  ): ExecutedTransaction {
    this.objects.commit(outcome);
    const executed = { ...outcome, digest, data, signatures, effectsDigest: effectsDigest(outcome.effects) };
    this.#transactions.set(digest, executed);
    this.#addFees(outcome.effects);
    return executed;
  }

  #addFees({ fee }: TransactionEffects): void {
    this.epochFees = {
      baseFee: this.epochFees.baseFee + fee.baseFee,
      operationFee: this.epochFees.operationFee + fee.operationFee,
      valueFee: this.epochFees.valueFee + fee.valueFee,
      totalFee: this.epochFees.totalFee + fee.totalFee,
    };
    this.totalFees += fee.totalFee;
  }
}
