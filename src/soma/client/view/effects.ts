import {
  type ChangedObject as ChangedObjectMessage,
  ChangedObject_InputObjectState as InputState,
  ChangedObject_OutputObjectState as OutputState,
  type TransactionEffects as TransactionEffectsMessage,
  type TransactionFee as TransactionFeeMessage,
} from '../../../gen/soma/rpc/effects_pb.js';
import type { Digest, ObjectId, ObjectRef, ObjectType, Owner } from '../../chain/index.js';
import { type ExecutionFailure, executionFailureFrom } from './execution-error.js';
import { objectTypeFrom, ownerFrom } from './object.js';
import { required, requiredId } from './required.js';

/** What a transaction paid, in shannons. */
export interface TransactionFee {
  readonly base: bigint;
  readonly operation: bigint;
  readonly value: bigint;
  readonly total: bigint;
}

/** One side of a change: the object as it was or as it is. */
export interface ObjectState {
  readonly version: bigint;
  readonly digest: Digest;
  readonly owner: Owner;
}

/** An object that a transaction created, changed or deleted. */
export interface ChangedObject {
  readonly objectId: ObjectId;
  readonly change: 'created' | 'mutated' | 'deleted';
  /** Absent for a created object. */
  readonly before: ObjectState | undefined;
  /** Absent for a deleted object. */
  readonly after: ObjectState | undefined;
  /** Not given in checkpoints. */
  readonly type: ObjectType | undefined;
}

/** Whether a transaction did what it asked for. */
export type ExecutionStatus = { readonly ok: true } | { readonly ok: false; readonly failure: ExecutionFailure };

/** What a transaction did. A failed one changes only its gas coins and, from protocol version 2 on, versions. */
export interface TransactionEffects {
  readonly transactionDigest: Digest;
  readonly status: ExecutionStatus;
  readonly epoch: bigint;
  readonly fee: TransactionFee;
  /** The coin that paid; absent for system transactions. */
  readonly gasObjectId: ObjectId | undefined;
  /** The version of every object that was written. */
  readonly lamportVersion: bigint;
  readonly dependencies: readonly Digest[];
  readonly changed: readonly ChangedObject[];
}

/** The fee in a message. */
export function feeFrom(message: TransactionFeeMessage | undefined): TransactionFee {
  return {
    base: message?.baseFee ?? 0n,
    operation: message?.operationFee ?? 0n,
    value: message?.valueFee ?? 0n,
    total: message?.totalFee ?? 0n,
  };
}

function changedFrom(message: ChangedObjectMessage): ChangedObject | undefined {
  const existed = message.inputState === InputState.EXISTS;
  const exists = message.outputState === OutputState.OBJECT_WRITE;
  // A failed transaction may list ids that it would have created: they exist neither before nor after.
  if (!existed && !exists) return undefined;
  const before = !existed
    ? undefined
    : {
        version: required(message.inputVersion, 'changed_object.input_version'),
        digest: required(message.inputDigest, 'changed_object.input_digest'),
        owner: ownerFrom(required(message.inputOwner, 'changed_object.input_owner')),
      };
  const after = !exists
    ? undefined
    : {
        version: required(message.outputVersion, 'changed_object.output_version'),
        digest: required(message.outputDigest, 'changed_object.output_digest'),
        owner: ownerFrom(required(message.outputOwner, 'changed_object.output_owner')),
      };
  return {
    objectId: requiredId(message.objectId, 'changed_object.object_id'),
    change: before === undefined ? 'created' : after === undefined ? 'deleted' : 'mutated',
    before,
    after,
    type: message.objectType === undefined ? undefined : objectTypeFrom(message.objectType),
  };
}

/** The effects in a message. */
export function effectsFrom(message: TransactionEffectsMessage): TransactionEffects {
  const status = required(message.status, 'effects.status');
  const gasIndex = message.gasObjectIndex;
  return {
    transactionDigest: required(message.transactionDigest, 'effects.transaction_digest'),
    status: status.success === true ? { ok: true } : { ok: false, failure: executionFailureFrom(status.error) },
    epoch: required(message.epoch, 'effects.epoch'),
    fee: feeFrom(message.fee),
    gasObjectId:
      gasIndex === undefined
        ? undefined
        : requiredId(message.changedObjects[gasIndex]?.objectId, 'effects.gas_object_index'),
    lamportVersion: required(message.lamportVersion, 'effects.lamport_version'),
    dependencies: message.dependencies,
    changed: message.changedObjects.flatMap((object) => changedFrom(object) ?? []),
  };
}

/** The reference to an object as a transaction left it; `undefined` when it did not write the object. */
export function refAfter(effects: TransactionEffects, objectId: ObjectId): ObjectRef | undefined {
  const after = effects.changed.find((object) => object.objectId === objectId)?.after;
  return after && { objectId, version: after.version, digest: after.digest };
}
