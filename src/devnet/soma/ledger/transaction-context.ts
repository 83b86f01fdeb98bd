import { deriveId, makeTargetSeed } from '../../../soma/chain/derivation.js';
import type { Digest } from '../../../soma/chain/digest.js';
import { type Address, type ObjectId, SYSTEM_STATE_OBJECT_ID } from '../../../soma/chain/id.js';
import type { Owner } from '../../../soma/chain/object.js';
import type { TargetPayload } from '../../../soma/chain/target.js';
import type { SystemParameters } from '../state/system-parameters.js';
import type { SystemState } from '../state/system-state.js';
import { fail } from './execution-failure.js';
import type { LedgerObject } from './ledger-object.js';
import { ownerAddress } from './ledger-object.js';
import type { Payload } from './payload.js';

/** Uncommitted writes of one transaction. */
interface Writes {
  readonly objects: Map<ObjectId, LedgerObject>;
  readonly deleted: Set<ObjectId>;
  readonly created: Set<ObjectId>;
}

/** Options of a context. */
export interface TransactionContextOptions {
  readonly digest: Digest;
  readonly sender: Address;
  /** All inputs by id, at the versions the transaction consumes. */
  readonly inputs: ReadonlyMap<ObjectId, LedgerObject>;
  /** The current state, for its parameters and epoch. */
  readonly state: SystemState;
  /** The coin that pays for gas; absent for system transactions. */
  readonly gasCoinId: ObjectId | undefined;
}

/** The objects one transaction can access, and its writes until they are committed or discarded. */
export class TransactionContext {
  readonly digest: Digest;
  readonly sender: Address;
  readonly epoch: bigint;
  readonly protocolVersion: bigint;
  readonly parameters: SystemParameters;
  readonly gasCoinId: ObjectId | undefined;
  readonly inputs: ReadonlyMap<ObjectId, LedgerObject>;
  #writes: Writes = { objects: new Map(), deleted: new Set(), created: new Set() };
  #nextNumber = 0n;
  /** Computed before execution; a coin that pays its own gas must keep this amount. */
  valueFee = 0n;

  constructor(options: TransactionContextOptions) {
    this.digest = options.digest;
    this.sender = options.sender;
    this.inputs = options.inputs;
    this.epoch = options.state.epoch;
    this.protocolVersion = options.state.protocolVersion;
    this.parameters = options.state.parameters;
    this.gasCoinId = options.gasCoinId;
  }

  /** Live objects written so far, by id. */
  get written(): ReadonlyMap<ObjectId, LedgerObject> {
    return this.#writes.objects;
  }

  /** Ids deleted so far; never one of {@link written}. */
  get deleted(): ReadonlySet<ObjectId> {
    return this.#writes.deleted;
  }

  /** Ids created so far, including those deleted again. */
  get created(): ReadonlySet<ObjectId> {
    return this.#writes.created;
  }

  /** A snapshot for {@link restore}. */
  snapshot(): Writes {
    return {
      objects: new Map(this.#writes.objects),
      deleted: new Set(this.#writes.deleted),
      created: new Set(this.#writes.created),
    };
  }

  /** Discards all writes since the snapshot. */
  restore(snapshot: Writes): void {
    this.#writes = snapshot;
  }

  /** An object as seen by this transaction. */
  read(id: ObjectId): LedgerObject | undefined {
    return this.#writes.deleted.has(id) ? undefined : (this.#writes.objects.get(id) ?? this.inputs.get(id));
  }

  /** Replaces the payload of an existing object. */
  write(object: LedgerObject, payload: Payload, owner: Owner = object.owner): void {
    this.#writes.objects.set(object.objectId, { ...object, payload, owner });
  }

  /** Marks an object as written without changing it. */
  touch(object: LedgerObject): void {
    if (!this.#writes.deleted.has(object.objectId) && !this.#writes.objects.has(object.objectId)) {
      this.#writes.objects.set(object.objectId, object);
    }
  }

  /** Deletes an object. */
  remove(id: ObjectId): void {
    this.#writes.objects.delete(id);
    this.#writes.deleted.add(id);
  }

  /** The next creation number of this transaction. */
  nextNumber(): bigint {
    const number = this.#nextNumber;
    this.#nextNumber += 1n;
    return number;
  }

  /** The id of creation number `number`. */
  idOf(number: bigint): ObjectId {
    return deriveId(this.digest, number);
  }

  /** The seed of the target with creation number `number`. */
  seedOf(number: bigint): bigint {
    return makeTargetSeed(this.digest, number);
  }

  /** Creates an object and returns its id, by default derived from the next creation number. */
  create(payload: Payload, owner: Owner, id: ObjectId = this.idOf(this.nextNumber())): ObjectId {
    this.#writes.created.add(id);
    this.#writes.objects.set(id, {
      objectId: id,
      version: 1n,
      owner,
      previousTransaction: this.digest,
      payload,
    });
    return id;
  }

  /** Creates a coin. */
  createCoin(address: Address, balance: bigint): ObjectId {
    return this.create({ type: 'Coin', balance }, { kind: 'address', address });
  }

  /**
   * An object the sender owns.
   *
   * @throws ExecutionStop ObjectNotFound, InvalidOwnership
   */
  owned(id: ObjectId): LedgerObject {
    const object = this.read(id);
    if (object === undefined) return fail({ kind: 'objectNotFound', objectId: id });
    const actualOwner = ownerAddress(object);
    if (actualOwner !== this.sender) {
      return fail({ kind: 'invalidOwnership', objectId: id, expectedOwner: this.sender, actualOwner });
    }
    return object;
  }

  /**
   * A coin the sender owns, with its balance in shannons.
   *
   * @throws ExecutionStop ObjectNotFound, InvalidOwnership, InvalidObjectType
   */
  coin(id: ObjectId): { readonly object: LedgerObject; readonly balance: bigint; readonly paysGas: boolean } {
    const object = this.owned(id);
    if (object.payload.type !== 'Coin') {
      return fail({
        kind: 'invalidObjectType',
        objectId: id,
        expectedType: 'Coin',
        actualType: object.payload.type,
      });
    }
    return { object, balance: object.payload.balance, paysGas: id === this.gasCoinId };
  }

  /** Sets a coin's balance. */
  setBalance(object: LedgerObject, balance: bigint): void {
    this.write(object, { type: 'Coin', balance });
  }

  /** Sets a coin's balance; a coin that reaches zero and does not pay gas is deleted. */
  spend(object: LedgerObject, balance: bigint): void {
    if (balance === 0n && object.objectId !== this.gasCoinId) this.remove(object.objectId);
    else this.setBalance(object, balance);
  }

  /** The system state as seen by this transaction. */
  get state(): SystemState {
    const object = this.read(SYSTEM_STATE_OBJECT_ID);
    if (object?.payload.type !== 'SystemState') {
      return fail({ kind: 'objectNotFound', objectId: SYSTEM_STATE_OBJECT_ID });
    }
    return object.payload.state;
  }

  set state(state: SystemState) {
    const object = this.read(SYSTEM_STATE_OBJECT_ID);
    if (object === undefined) fail({ kind: 'objectNotFound', objectId: SYSTEM_STATE_OBJECT_ID });
    this.write(object!, { type: 'SystemState', state });
  }

  /**
   * A target.
   *
   * @throws ExecutionStop TargetNotFound
   */
  target(id: ObjectId): { readonly object: LedgerObject; readonly target: TargetPayload } {
    const object = this.read(id);
    if (object?.payload.type !== 'Target') return fail({ kind: 'targetNotFound' });
    return { object, target: object.payload.target };
  }
}
