import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ChangedObjectSchema,
  ChangedObject_IdOperation as IdOperationNumber,
  ChangedObject_InputObjectState as InputNumber,
  ChangedObject_OutputObjectState as OutputNumber,
  type ChangedObject as RpcChangedObject,
  type TransactionEffects as RpcEffects,
  type UnchangedSharedObject as RpcUnchanged,
  TransactionEffectsSchema,
  UnchangedSharedObject_UnchangedSharedObjectKind as UnchangedNumber,
  type UnchangedSharedObjectSchema,
} from '../../../gen/soma/rpc/effects_pb.js';
import type {
  ExecutionError_ExecutionErrorKind,
  ExecutionErrorSchema,
  ExecutionStatus as RpcStatus,
} from '../../../gen/soma/rpc/execution_status_pb.js';
import type { Digest } from '../digest.js';
import {
  type ExecutionFailure,
  type ExecutionFailureKind,
  type ExecutionStatus,
  type FailureTextPath,
  failureKindOfRpc,
  failureText,
  type IdOperation,
  type ObjectChange,
  type TransactionEffects,
  type UnchangedSharedObject,
} from '../effects/index.js';
import { isId, normaliseId, type ObjectId } from '../id.js';
import { ownerFromRpc, ownerToRpc } from './values.js';
import { type IdStyle, plainId, required, requiredDigest, requiredId, WireError } from './wire-error.js';

/** An execution failure as reported over the RPC. */
export interface ReportedFailure {
  /** `unknown` for numbers this library does not know. */
  readonly kind: ExecutionFailureKind | 'unknown';
  /** The number of the RPC's ExecutionErrorKind. */
  readonly rpcKind: number;
  /** The fullnode's human-readable description. */
  readonly description: string;
  /** The object it refers to, if any. */
  readonly objectId?: ObjectId | undefined;
  /** Additional values as text: `required=65000, provided=10`. */
  readonly detail?: string | undefined;
}

/** A change that may include the object's type. */
export interface ReportedChange extends ObjectChange {
  /** Set by the execution service and, if indexed, by GetTransaction; never in checkpoints. */
  readonly objectType?: string | undefined;
}

/** Effects as reported over the RPC. */
export interface ReportedEffects extends TransactionEffects<ReportedFailure> {
  readonly changedObjects: readonly ReportedChange[];
}

/** Options of {@link effectsToRpc}. */
export interface EffectsToRpcOptions {
  /** The service that sends them, which determines the format of ids and failures. */
  readonly path: FailureTextPath;
  /** Types of changed objects, if known. */
  readonly objectTypes?: ReadonlyMap<ObjectId, string> | undefined;
}

const INPUT = { notExist: InputNumber.DOES_NOT_EXIST, exist: InputNumber.EXISTS } as const;
const OUTPUT = { notExist: OutputNumber.DOES_NOT_EXIST, objectWrite: OutputNumber.OBJECT_WRITE } as const;
const OPERATION = {
  none: IdOperationNumber.NONE,
  created: IdOperationNumber.CREATED,
  deleted: IdOperationNumber.DELETED,
} as const;
const UNCHANGED = {
  readOnlyRoot: UnchangedNumber.READ_ONLY_ROOT,
  mutateDeleted: UnchangedNumber.MUTATED_DELETED,
  readDeleted: UnchangedNumber.READ_DELETED,
  cancelled: UnchangedNumber.CANCELED,
} as const;

const INPUT_NAMES = namesOf(INPUT);
const OUTPUT_NAMES = namesOf(OUTPUT);
const OPERATION_NAMES = namesOf(OPERATION);
const UNCHANGED_NAMES = namesOf(UNCHANGED);

/** Converts effects to their RPC message. */
export function effectsToRpc(effects: TransactionEffects, options: EffectsToRpcOptions): RpcEffects {
  // Execution responses have 0x before all ids; checkpoints do not.
  const style: IdStyle = options.path === 'execution' ? 'normal' : 'plain';
  return create(TransactionEffectsSchema, {
    status:
      effects.status.kind === 'success'
        ? { success: true }
        : { success: false, error: errorToRpc(effects.status.error, options.path) },
    epoch: effects.executedEpoch,
    fee: effects.fee,
    transactionDigest: effects.transactionDigest,
    gasObjectIndex: effects.gasObjectIndex,
    dependencies: [...effects.dependencies],
    lamportVersion: effects.lamportVersion,
    changedObjects: effects.changedObjects.map((change) => ({
      ...changeToRpc(change, effects.lamportVersion, style),
      ...(options.objectTypes?.has(change.objectId) && { objectType: options.objectTypes.get(change.objectId)! }),
    })),
    unchangedSharedObjects: effects.unchangedSharedObjects.map((each) => unchangedToRpc(each, style)),
  });
}

function errorToRpc(failure: ExecutionFailure, path: FailureTextPath): MessageInitShape<typeof ExecutionErrorSchema> {
  const text = failureText(failure, path);
  return {
    description: text.description,
    kind: text.rpcKind as ExecutionError_ExecutionErrorKind,
    ...(text.objectId !== undefined && { errorDetails: { case: 'objectId', value: text.objectId } }),
    ...(text.otherError !== undefined && { errorDetails: { case: 'otherError', value: text.otherError } }),
  };
}

function changeToRpc(
  change: ObjectChange,
  lamportVersion: bigint,
  style: IdStyle,
): MessageInitShape<typeof ChangedObjectSchema> {
  const { input, output } = change;
  return {
    objectId: plainId(change.objectId, style),
    inputState: INPUT[input.kind],
    ...(input.kind === 'exist' && {
      inputVersion: input.version,
      inputDigest: input.digest,
      inputOwner: ownerToRpc(input.owner, style),
    }),
    outputState: OUTPUT[output.kind],
    ...(output.kind === 'objectWrite' && {
      outputVersion: lamportVersion,
      outputDigest: output.digest,
      outputOwner: ownerToRpc(output.owner, style),
    }),
    idOperation: OPERATION[change.idOperation],
  };
}

function unchangedToRpc(
  object: UnchangedSharedObject,
  style: IdStyle,
): MessageInitShape<typeof UnchangedSharedObjectSchema> {
  return {
    kind: UNCHANGED[object.kind],
    objectId: plainId(object.objectId, style),
    version: object.version,
    ...(object.kind === 'readOnlyRoot' && { digest: object.digest }),
  };
}

/**
 * Converts an RPC message to effects.
 *
 * @param field path of the message, for errors
 * @throws WireError when a field is missing or unreadable
 */
export function effectsFromRpc(message: RpcEffects, field = 'effects'): ReportedEffects {
  const fee = required(message.fee, `${field}.fee`);
  return {
    status: statusFromRpc(required(message.status, `${field}.status`), `${field}.status`),
    executedEpoch: required(message.epoch, `${field}.epoch`),
    fee: {
      baseFee: fee.baseFee ?? 0n,
      operationFee: fee.operationFee ?? 0n,
      valueFee: fee.valueFee ?? 0n,
      totalFee: fee.totalFee ?? 0n,
    },
    transactionDigest: requiredDigest(message.transactionDigest, `${field}.transaction_digest`),
    gasObjectIndex: message.gasObjectIndex,
    dependencies: message.dependencies.map((each, index) => requiredDigest(each, `${field}.dependencies[${index}]`)),
    lamportVersion: required(message.lamportVersion, `${field}.lamport_version`),
    changedObjects: message.changedObjects.map((each, index) =>
      changeFromRpc(each, `${field}.changed_objects[${index}]`),
    ),
    unchangedSharedObjects: message.unchangedSharedObjects.map((each, index) =>
      unchangedFromRpc(each, `${field}.unchanged_shared_objects[${index}]`),
    ),
  };
}

/** @throws WireError when the status indicates neither success nor a failure */
export function statusFromRpc(message: RpcStatus, field = 'status'): ExecutionStatus<ReportedFailure> {
  if (required(message.success, `${field}.success`)) return { kind: 'success' };
  const error = required(message.error, `${field}.error`);
  const rpcKind = error.kind ?? 0;
  const kind = failureKindOfRpc(rpcKind) ?? 'unknown';
  const details = error.errorDetails;
  // Checkpoints put ids into the text field; for these kinds it contains nothing else.
  const isAboutObject = kind === 'invalidOwnership' || kind === 'objectNotFound' || kind === 'invalidObjectType';
  const objectId =
    details.case !== undefined && (details.case === 'objectId' || isAboutObject) && isId(details.value)
      ? normaliseId(details.value)
      : undefined;
  const detail = objectId === undefined && details.case !== undefined ? details.value : undefined;
  return {
    kind: 'failure',
    error: {
      kind,
      rpcKind,
      description: error.description ?? '',
      objectId,
      detail,
    },
  };
}

/** The names of a table's numbers. */
function namesOf<N extends string>(table: Readonly<Record<N, number>>): ReadonlyMap<number, N> {
  return new Map((Object.entries(table) as [N, number][]).map(([name, number]) => [number, name]));
}

function nameOf<N extends string>(names: ReadonlyMap<number, N>, value: number | undefined, field: string): N {
  const present = required(value, field);
  const name = names.get(present);
  if (name === undefined) throw new WireError(field, 'FIELD_INVALID', `is ${present}, which is undefined`);
  return name;
}

function changeFromRpc(message: RpcChangedObject, field: string): ReportedChange {
  const input = nameOf(INPUT_NAMES, message.inputState, `${field}.input_state`);
  const output = nameOf(OUTPUT_NAMES, message.outputState, `${field}.output_state`);
  return {
    objectId: requiredId(message.objectId, `${field}.object_id`),
    input:
      input === 'notExist'
        ? { kind: 'notExist' }
        : {
            kind: 'exist',
            version: required(message.inputVersion, `${field}.input_version`),
            digest: requiredDigest(message.inputDigest, `${field}.input_digest`),
            owner: ownerFromRpc(message.inputOwner, `${field}.input_owner`),
          },
    output:
      output === 'notExist'
        ? { kind: 'notExist' }
        : {
            kind: 'objectWrite',
            digest: requiredDigest(message.outputDigest, `${field}.output_digest`),
            owner: ownerFromRpc(message.outputOwner, `${field}.output_owner`),
          },
    idOperation: nameOf<IdOperation>(OPERATION_NAMES, message.idOperation, `${field}.id_operation`),
    objectType: message.objectType,
  };
}

function unchangedFromRpc(message: RpcUnchanged, field: string): UnchangedSharedObject {
  const kind = nameOf(UNCHANGED_NAMES, message.kind, `${field}.kind`);
  const objectId = requiredId(message.objectId, `${field}.object_id`);
  const version = required(message.version, `${field}.version`);
  if (kind !== 'readOnlyRoot') return { objectId, version, kind };
  const digest: Digest = requiredDigest(message.digest, `${field}.digest`);
  return { objectId, version, kind, digest };
}
