import type { ExecutionFailureKind } from './execution-failure.js';

/** Properties of a kind of execution failure. */
export interface ExecutionFailureInfo {
  /** The number of the RPC's ExecutionErrorKind. */
  readonly rpcKind: number;
  /** Whether the same intent, rebuilt from current objects, may succeed. */
  readonly retryable: boolean;
  /** What the sender can do about it. */
  readonly hint: string;
}

const fatal = (rpcKind: number, hint: string): ExecutionFailureInfo => ({ rpcKind, retryable: false, hint });
const transient = (rpcKind: number, hint: string): ExecutionFailureInfo => ({ rpcKind, retryable: true, hint });

/** RPC number of failures without a number of their own. */
export const RPC_KIND_OTHER_ERROR = 24;

/** Every kind of execution failure, with its RPC number (`ExecutionErrorKind` of `execution_status.proto`). */
export const EXECUTION_FAILURES: Readonly<Record<ExecutionFailureKind, ExecutionFailureInfo>> = {
  insufficientGas: fatal(1, 'pay with a larger coin, or merge coins'),
  invalidOwnership: fatal(2, 'use an object that the sender owns'),
  objectNotFound: transient(3, 'read the object again; it was deleted or never existed'),
  invalidObjectType: fatal(4, 'name an object of the type this transaction needs'),
  invalidTransactionType: fatal(5, 'this kind of transaction cannot be sent by users'),
  invalidArguments: fatal(6, 'correct the arguments'),
  duplicateValidator: fatal(7, 'this validator is already registered'),
  duplicateValidatorMetadata: fatal(54, 'another validator uses the same metadata; change the named field'),
  missingProofOfPossession: fatal(55, 'add a proof of possession for the protocol key'),
  invalidProofOfPossession: fatal(56, 'create the proof of possession with the protocol key and this address'),
  notAValidator: fatal(8, 'only an active validator may do this'),
  validatorAlreadyRemoved: fatal(9, 'the validator has already left'),
  advancedToWrongEpoch: fatal(10, 'an epoch change must name the next epoch'),
  modelNotFound: fatal(11, 'check the model id'),
  notModelOwner: fatal(12, "sign with the key of the model's owner"),
  modelNotActive: fatal(13, 'the model is not active in this epoch; pick another model'),
  modelNotPending: fatal(25, 'commit the model before revealing it'),
  modelNotCreated: fatal(11, 'create the model first'),
  modelInvalidState: fatal(RPC_KIND_OTHER_ERROR, "the model's state does not allow this operation"),
  modelAlreadyInactive: fatal(26, 'an inactive model cannot be used again; create a new one'),
  modelRevealEpochMismatch: fatal(27, 'reveal in exactly the epoch after the commit'),
  modelEmbeddingCommitmentMismatch: fatal(28, 'reveal the embedding that was committed to'),
  modelDecryptionKeyCommitmentMismatch: fatal(57, 'reveal the key that was committed to'),
  modelNoPendingUpdate: fatal(29, 'commit an update before revealing it'),
  modelArchitectureVersionMismatch: fatal(30, "use the network's current architecture version"),
  modelCommissionRateTooHigh: fatal(31, 'a commission is at most 10000 basis points'),
  modelMinStakeNotMet: fatal(32, "stake at least the network's minimum for models"),
  noActiveModels: fatal(33, 'wait until a model is active'),
  targetNotFound: fatal(34, 'the target was claimed or never existed'),
  targetNotOpen: fatal(35, 'another submission filled the target first'),
  targetExpired: fatal(36, 'submit in the epoch in which the target was generated'),
  targetNotFilled: fatal(37, 'the target is still open'),
  auditWindowOpen: transient(38, 'claim from the second epoch after the fill'),
  targetAlreadyClaimed: fatal(39, 'the reward has been claimed'),
  modelNotInTarget: fatal(40, "submit with one of the target's own models"),
  embeddingDimensionMismatch: fatal(41, "submit an embedding of the target's length"),
  distanceExceedsThreshold: fatal(42, "only distances up to the target's threshold are accepted"),
  insufficientBond: fatal(43, 'use a coin of at least the required amount for the bond'),
  dataExceedsMaxSize: fatal(52, 'submit less data'),
  insufficientEmissionBalance: fatal(44, 'the emission pool is empty'),
  auditWindowClosed: fatal(45, 'report in exactly the epoch after the fill'),
  insufficientCoinBalance: fatal(14, 'use a larger coin, or merge coins'),
  coinBalanceOverflow: fatal(15, 'the amounts add up to more than 64 bits'),
  arithmeticOverflow: fatal(RPC_KIND_OTHER_ERROR, 'an amount is too large'),
  validatorNotFound: fatal(16, "check the validator's address"),
  stakingPoolNotFound: fatal(18, 'check the staking pool'),
  cannotReportOneself: fatal(19, 'report another validator'),
  reportRecordNotFound: fatal(20, 'there is no report to undo'),
  inputObjectDeleted: fatal(21, 'an input has since been deleted; claimed targets are'),
  certificateDenied: fatal(22, 'the network refuses this transaction'),
  executionCancelledDueToSharedObjectCongestion: transient(23, 'the shared objects were congested; send it again'),
  somaError: fatal(RPC_KIND_OTHER_ERROR, 'see the detail'),
};

/** The failure for an RPC number; `somaError` for "other error", `undefined` for numbers that are never produced. */
export function failureKindOfRpc(rpcKind: number): ExecutionFailureKind | undefined {
  return KIND_OF_RPC.get(rpcKind);
}

const KIND_OF_RPC: ReadonlyMap<number, ExecutionFailureKind> = new Map([
  ...Object.entries(EXECUTION_FAILURES)
    // Two variants share number 11; the RPC's name for it is "model not found".
    .filter(([kind, { rpcKind }]) => kind !== 'modelNotCreated' && rpcKind !== RPC_KIND_OTHER_ERROR)
    .map(([kind, { rpcKind }]): [number, ExecutionFailureKind] => [rpcKind, kind as ExecutionFailureKind]),
  [RPC_KIND_OTHER_ERROR, 'somaError'],
]);
