import {
  type Codec,
  decodeBcs,
  encodeBcs,
  option,
  pair,
  plainEnum,
  struct,
  u32,
  u64,
  union,
  unit,
  vector,
  versionOne,
} from '../bcs/index.js';
import { type Digest, digestCodec, typedDigest } from '../digest.js';
import { idCodec, type ObjectId } from '../id.js';
import { type Owner, ownerCodec } from '../object.js';
import type { ObjectRef } from '../object-ref.js';
import { type ExecutionFailure, executionFailureCodec } from './execution-failure.js';

/** Fees of a transaction, in shannons. */
export interface TransactionFee {
  readonly baseFee: bigint;
  readonly operationFee: bigint;
  readonly valueFee: bigint;
  /** The sum. */
  readonly totalFee: bigint;
}

/** Outcome of execution. `F` is the type of failure details: complete in BCS, a summary over the RPC. */
export type ExecutionStatus<F = ExecutionFailure> =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly error: F };

/** An object before the transaction. */
export type ObjectInputState =
  | { readonly kind: 'notExist' }
  | { readonly kind: 'exist'; readonly version: bigint; readonly digest: Digest; readonly owner: Owner };

/** An object after the transaction; a written one has the effects' Lamport version. */
export type ObjectOutputState =
  | { readonly kind: 'notExist' }
  | { readonly kind: 'objectWrite'; readonly digest: Digest; readonly owner: Owner };

/** What happened to an object's id. */
export type IdOperation = 'none' | 'created' | 'deleted';

/** A transaction's change to one object. */
export interface ObjectChange {
  readonly objectId: ObjectId;
  readonly input: ObjectInputState;
  readonly output: ObjectOutputState;
  readonly idOperation: IdOperation;
}

/** A shared input that was not written. */
export type UnchangedSharedObject = { readonly objectId: ObjectId; readonly version: bigint } & (
  | { readonly kind: 'readOnlyRoot'; readonly digest: Digest }
  | { readonly kind: 'mutateDeleted' | 'readDeleted' | 'cancelled' }
);

/** Effects of a transaction, version 1. */
export interface TransactionEffects<F = ExecutionFailure> {
  readonly status: ExecutionStatus<F>;
  readonly executedEpoch: bigint;
  readonly fee: TransactionFee;
  readonly transactionDigest: Digest;
  /** Index into `changedObjects` of the coin that paid; absent for system transactions. */
  readonly gasObjectIndex?: number | undefined;
  readonly dependencies: readonly Digest[];
  /** Version of all objects written. */
  readonly lamportVersion: bigint;
  /** By ascending id. */
  readonly changedObjects: readonly ObjectChange[];
  readonly unchangedSharedObjects: readonly UnchangedSharedObject[];
}

/** BCS of {@link TransactionFee}: four u64. */
export const transactionFeeCodec: Codec<TransactionFee> = struct<TransactionFee>({
  baseFee: u64,
  operationFee: u64,
  valueFee: u64,
  totalFee: u64,
});

const statusCodec: Codec<ExecutionStatus> = union<ExecutionStatus, 'kind'>('kind', {
  success: unit,
  failure: struct<{ readonly error: ExecutionFailure }>({ error: executionFailureCodec }),
});

const inputCodec: Codec<ObjectInputState> = union<ObjectInputState, 'kind'>('kind', {
  notExist: unit,
  exist: struct<{ readonly version: bigint; readonly digest: Digest; readonly owner: Owner }>({
    version: u64,
    digest: digestCodec,
    owner: ownerCodec,
  }),
});

const outputCodec: Codec<ObjectOutputState> = union<ObjectOutputState, 'kind'>('kind', {
  notExist: unit,
  objectWrite: struct<{ readonly digest: Digest; readonly owner: Owner }>({ digest: digestCodec, owner: ownerCodec }),
});

const changeCodec: Codec<ObjectChange> = struct<ObjectChange>({
  objectId: idCodec,
  input: inputCodec,
  output: outputCodec,
  idOperation: plainEnum<IdOperation>(['none', 'created', 'deleted']),
});

const unchangedKinds = plainEnum(['readOnlyRoot', 'mutateDeleted', 'readDeleted', 'cancelled'] as const);
const versionAndDigest = pair(u64, digestCodec);

const unchangedCodec: Codec<UnchangedSharedObject> = {
  minBytes: 32 + 1 + 8,
  write: (w, object) => {
    idCodec.write(w, object.objectId);
    unchangedKinds.write(w, object.kind);
    if (object.kind === 'readOnlyRoot') versionAndDigest.write(w, [object.version, object.digest]);
    else w.u64(object.version);
  },
  read: (r) => {
    const objectId = idCodec.read(r);
    const kind = unchangedKinds.read(r);
    if (kind !== 'readOnlyRoot') return { objectId, kind, version: r.u64() };
    const [version, digest] = versionAndDigest.read(r);
    return { objectId, kind, version, digest };
  },
};

/** BCS of `TransactionEffects::V1`. */
export const transactionEffectsCodec: Codec<TransactionEffects> = versionOne(
  struct<TransactionEffects>({
    status: statusCodec,
    executedEpoch: u64,
    fee: transactionFeeCodec,
    transactionDigest: digestCodec,
    gasObjectIndex: option(u32),
    dependencies: vector(digestCodec),
    lamportVersion: u64,
    changedObjects: vector(changeCodec),
    unchangedSharedObjects: vector(unchangedCodec),
  }),
);

/** The BCS bytes of effects. */
export function encodeEffects(effects: TransactionEffects): Uint8Array {
  return encodeBcs(transactionEffectsCodec, effects);
}

/** @throws QuarryError `BCS_INVALID` when the bytes are malformed */
export function decodeEffects(bytes: Uint8Array): TransactionEffects {
  return decodeBcs(transactionEffectsCodec, bytes, 'TransactionEffects');
}

/** The digest of effects: BLAKE2b-256 of `TransactionEffects::` and their BCS, base58. */
export function effectsDigest(effects: TransactionEffects): Digest {
  return typedDigest('TransactionEffects', encodeEffects(effects));
}

/** An object that a transaction wrote: its new reference and owner, and whether the transaction created it. */
export interface WrittenObject extends ObjectRef {
  readonly owner: Owner;
  readonly created: boolean;
}

/**
 * The objects written by a transaction, with their new references. Omits ids without an output object: a failed
 * transaction may list ids it would have created.
 */
export function writtenObjects(
  effects: Pick<TransactionEffects, 'changedObjects' | 'lamportVersion'>,
): WrittenObject[] {
  return effects.changedObjects.flatMap(({ objectId, output, idOperation }) =>
    output.kind === 'objectWrite'
      ? [
          {
            objectId,
            version: effects.lamportVersion,
            digest: output.digest,
            owner: output.owner,
            created: idOperation === 'created',
          },
        ]
      : [],
  );
}

/** Ids of objects that existed before a transaction but not after it. */
export function deletedObjects(effects: Pick<TransactionEffects, 'changedObjects'>): ObjectId[] {
  return effects.changedObjects
    .filter(({ input, output }) => input.kind === 'exist' && output.kind === 'notExist')
    .map(({ objectId }) => objectId);
}
