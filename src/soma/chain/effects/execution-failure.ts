import { type Codec, option, string, struct, u64, union, unit } from '../bcs/index.js';
import { type Address, idCodec, type ObjectId } from '../id.js';
import { type ObjectType, objectTypeCodec } from '../object.js';
import { type SomaTensor, tensorCodec } from '../tensor.js';

type Failure<N extends string, Fields = object> = { readonly kind: N } & Readonly<Fields>;
type Epochs = { fillEpoch: bigint; currentEpoch: bigint };

/** Why an executed transaction failed: the chain's `ExecutionFailureStatus`, discriminated by `kind`. */
export type ExecutionFailure =
  | Failure<'insufficientGas'>
  | Failure<'invalidOwnership', { objectId: ObjectId; expectedOwner: Address; actualOwner?: Address | undefined }>
  | Failure<'objectNotFound', { objectId: ObjectId }>
  | Failure<'invalidObjectType', { objectId: ObjectId; expectedType: ObjectType; actualType: ObjectType }>
  | Failure<'invalidTransactionType'>
  | Failure<'invalidArguments', { reason: string }>
  | Failure<'duplicateValidator'>
  | Failure<'duplicateValidatorMetadata', { field: string }>
  | Failure<'missingProofOfPossession'>
  | Failure<'invalidProofOfPossession', { reason: string }>
  | Failure<'notAValidator'>
  | Failure<'validatorAlreadyRemoved'>
  | Failure<'advancedToWrongEpoch'>
  | Failure<'modelNotFound'>
  | Failure<'notModelOwner'>
  | Failure<'modelNotActive'>
  | Failure<'modelNotPending'>
  | Failure<'modelNotCreated'>
  | Failure<'modelInvalidState'>
  | Failure<'modelAlreadyInactive'>
  | Failure<'modelRevealEpochMismatch'>
  | Failure<'modelEmbeddingCommitmentMismatch'>
  | Failure<'modelDecryptionKeyCommitmentMismatch'>
  | Failure<'modelNoPendingUpdate'>
  | Failure<'modelArchitectureVersionMismatch'>
  | Failure<'modelCommissionRateTooHigh'>
  | Failure<'modelMinStakeNotMet'>
  | Failure<'noActiveModels'>
  | Failure<'targetNotFound'>
  | Failure<'targetNotOpen'>
  | Failure<'targetExpired', { generationEpoch: bigint; currentEpoch: bigint }>
  | Failure<'targetNotFilled'>
  | Failure<'auditWindowOpen', Epochs>
  | Failure<'targetAlreadyClaimed'>
  | Failure<'modelNotInTarget', { modelId: ObjectId; targetId: ObjectId }>
  | Failure<'embeddingDimensionMismatch', { expected: bigint; actual: bigint }>
  | Failure<'distanceExceedsThreshold', { score: SomaTensor; threshold: SomaTensor }>
  | Failure<'insufficientBond', { required: bigint; provided: bigint }>
  | Failure<'dataExceedsMaxSize', { size: bigint; maxSize: bigint }>
  | Failure<'insufficientEmissionBalance'>
  | Failure<'auditWindowClosed', Epochs>
  | Failure<'insufficientCoinBalance'>
  | Failure<'coinBalanceOverflow'>
  | Failure<'arithmeticOverflow'>
  | Failure<'validatorNotFound'>
  | Failure<'stakingPoolNotFound'>
  | Failure<'cannotReportOneself'>
  | Failure<'reportRecordNotFound'>
  | Failure<'inputObjectDeleted'>
  | Failure<'certificateDenied'>
  | Failure<'executionCancelledDueToSharedObjectCongestion'>
  | Failure<'somaError', { message: string }>;

/** The name of an {@link ExecutionFailure}. */
export type ExecutionFailureKind = ExecutionFailure['kind'];

const epochs = struct<Readonly<Epochs>>({ fillEpoch: u64, currentEpoch: u64 });
const reason = struct<{ readonly reason: string }>({ reason: string });

/**
 * BCS of an execution failure; the order of these lines is the variant index. Two payloads were not verified against
 * upstream: the floats of `distanceExceedsThreshold` as scalar tensors (BCS has no floats), and `somaError` as its
 * text.
 */
export const executionFailureCodec: Codec<ExecutionFailure> = union<ExecutionFailure, 'kind'>('kind', {
  insufficientGas: unit, // 0
  invalidOwnership: struct<{
    readonly objectId: ObjectId;
    readonly expectedOwner: Address;
    readonly actualOwner?: Address | undefined;
  }>({ objectId: idCodec, expectedOwner: idCodec, actualOwner: option(idCodec) }),
  objectNotFound: struct<{ readonly objectId: ObjectId }>({ objectId: idCodec }),
  invalidObjectType: struct<{
    readonly objectId: ObjectId;
    readonly expectedType: ObjectType;
    readonly actualType: ObjectType;
  }>({ objectId: idCodec, expectedType: objectTypeCodec, actualType: objectTypeCodec }),
  invalidTransactionType: unit,
  invalidArguments: reason, // 5
  duplicateValidator: unit,
  duplicateValidatorMetadata: struct<{ readonly field: string }>({ field: string }),
  missingProofOfPossession: unit,
  invalidProofOfPossession: reason,
  notAValidator: unit, // 10
  validatorAlreadyRemoved: unit,
  advancedToWrongEpoch: unit,
  modelNotFound: unit,
  notModelOwner: unit,
  modelNotActive: unit, // 15
  modelNotPending: unit,
  modelNotCreated: unit,
  modelInvalidState: unit,
  modelAlreadyInactive: unit,
  modelRevealEpochMismatch: unit, // 20
  modelEmbeddingCommitmentMismatch: unit,
  modelDecryptionKeyCommitmentMismatch: unit,
  modelNoPendingUpdate: unit,
  modelArchitectureVersionMismatch: unit,
  modelCommissionRateTooHigh: unit, // 25
  modelMinStakeNotMet: unit,
  noActiveModels: unit,
  targetNotFound: unit,
  targetNotOpen: unit,
  targetExpired: struct<{ readonly generationEpoch: bigint; readonly currentEpoch: bigint }>({
    generationEpoch: u64,
    currentEpoch: u64,
  }), // 30
  targetNotFilled: unit,
  auditWindowOpen: epochs,
  targetAlreadyClaimed: unit,
  modelNotInTarget: struct<{ readonly modelId: ObjectId; readonly targetId: ObjectId }>({
    modelId: idCodec,
    targetId: idCodec,
  }),
  embeddingDimensionMismatch: struct<{ readonly expected: bigint; readonly actual: bigint }>({
    expected: u64,
    actual: u64,
  }), // 35
  distanceExceedsThreshold: struct<{ readonly score: SomaTensor; readonly threshold: SomaTensor }>({
    score: tensorCodec,
    threshold: tensorCodec,
  }),
  insufficientBond: struct<{ readonly required: bigint; readonly provided: bigint }>({ required: u64, provided: u64 }),
  dataExceedsMaxSize: struct<{ readonly size: bigint; readonly maxSize: bigint }>({ size: u64, maxSize: u64 }),
  insufficientEmissionBalance: unit,
  auditWindowClosed: epochs, // 40
  insufficientCoinBalance: unit,
  coinBalanceOverflow: unit,
  arithmeticOverflow: unit,
  validatorNotFound: unit,
  stakingPoolNotFound: unit, // 45
  cannotReportOneself: unit,
  reportRecordNotFound: unit,
  inputObjectDeleted: unit,
  certificateDenied: unit,
  executionCancelledDueToSharedObjectCongestion: unit, // 50
  somaError: struct<{ readonly message: string }>({ message: string }),
});
