import { type ErrorCode, QuarryError } from '../../../errors/index.js';
import {
  type ExecutionError as ExecutionErrorMessage,
  ExecutionError_ExecutionErrorKind as Kind,
} from '../../../gen/soma/rpc/execution_status_pb.js';
import type { Digest, ObjectId } from '../../chain/index.js';
import { optionalId } from './required.js';

/** Name of a failure of execution, as the network's schema has it. */
export type ExecutionErrorKind = keyof typeof Kind;

/** Why a transaction failed while it executed. */
export interface ExecutionFailure {
  readonly kind: ExecutionErrorKind;
  /** The node's own rendering. For people. */
  readonly description: string;
  /** The object that is at fault, where one is. */
  readonly objectId?: ObjectId | undefined;
  /** The node's details, such as `required=65000, provided=10`. */
  readonly details: string;
  /** The `name=value` pairs of the details, such as `{ required: '65000' }`. */
  readonly data: Readonly<Record<string, string>>;
}

interface KindMeaning {
  readonly hint: string;
  readonly retryable?: true;
  readonly code?: ErrorCode;
}

const FUNDS = { code: 'INSUFFICIENT_FUNDS' } as const;

/** What a kind means for the sender. Kinds that explain themselves, and kinds no user meets, have no entry. */
const MEANINGS: Partial<Readonly<Record<ExecutionErrorKind, KindMeaning>>> = {
  INSUFFICIENT_GAS: { ...FUNDS, hint: 'the gas coin cannot pay the fees; merge coins or use a richer one' },
  INVALID_OWNERSHIP: { hint: 'the object belongs to another address' },
  OBJECT_NOT_FOUND: { hint: 'the object was deleted, or is not on this network' },
  INVALID_OBJECT_TYPE: { hint: 'the transaction needs an object of another type' },
  INVALID_TRANSACTION_TYPE: { hint: 'this kind of transaction is not accepted from users' },
  NOT_A_VALIDATOR: { hint: 'only active validators may send this' },
  MODEL_NOT_FOUND: { hint: 'check the model id, and that the model is on this network' },
  NOT_MODEL_OWNER: { hint: 'sign with the key that created the model' },
  MODEL_NOT_ACTIVE: { hint: 'the model was never revealed, or was deactivated' },
  MODEL_NOT_PENDING: { hint: 'commit the model first' },
  MODEL_ALREADY_INACTIVE: { hint: 'create a new model' },
  MODEL_REVEAL_EPOCH_MISMATCH: { hint: 'reveal in exactly the epoch after the commit; otherwise commit again' },
  MODEL_EMBEDDING_COMMITMENT_MISMATCH: { hint: 'reveal the very embedding that was committed' },
  MODEL_DECRYPTION_KEY_COMMITMENT_MISMATCH: { hint: 'reveal the very key that was committed' },
  MODEL_NO_PENDING_UPDATE: { hint: 'commit new weights first' },
  MODEL_ARCHITECTURE_VERSION_MISMATCH: { hint: 'use the architecture version of the system parameters' },
  MODEL_COMMISSION_RATE_TOO_HIGH: { hint: 'a commission is at most 10000 basis points' },
  MODEL_MIN_STAKE_NOT_MET: { hint: 'stake at least model_min_stake of the system parameters' },
  NO_ACTIVE_MODELS: { hint: 'wait until a model is active', retryable: true },
  INSUFFICIENT_COIN_BALANCE: { ...FUNDS, hint: 'the coin is too small; merge coins or use a richer one' },
  INPUT_OBJECT_DELETED: { hint: 'an input was deleted meanwhile, such as a target that somebody claimed' },
  SHARED_OBJECT_CONGESTION: { hint: 'many transactions want the same object; try again', retryable: true },
  TARGET_NOT_FOUND: { hint: 'the target was claimed, or is not on this network' },
  TARGET_NOT_OPEN: { hint: 'another submission was first' },
  TARGET_EXPIRED: { hint: 'a target accepts submissions only in the epoch that generated it' },
  TARGET_NOT_FILLED: { hint: 'an open target can be claimed once its epoch is over' },
  CHALLENGE_WINDOW_OPEN: { hint: 'claim two epochs after the target was filled', retryable: true },
  CHALLENGE_WINDOW_CLOSED: { hint: 'a submission is reported in exactly the epoch after it was filled' },
  TARGET_ALREADY_CLAIMED: { hint: 'somebody has already claimed it' },
  MODEL_NOT_IN_TARGET: { hint: "submit with one of the target's models" },
  EMBEDDING_DIMENSION_MISMATCH: { hint: "the embedding must have as many values as the target's" },
  DISTANCE_EXCEEDS_THRESHOLD: { hint: 'the data is too far from the target' },
  INSUFFICIENT_BOND: { ...FUNDS, hint: 'use a bond coin of at least the required amount' },
  DATA_EXCEEDS_MAX_SIZE: { hint: 'submit less data' },
  INSUFFICIENT_EMISSION_BALANCE: { hint: 'the emission pool is empty' },
};

/** A transaction that was executed and failed. It was charged the base fee. */
export class ExecutionError extends QuarryError {
  override readonly name = 'ExecutionError';
  readonly kind: ExecutionErrorKind;
  readonly failure: ExecutionFailure;
  readonly digest: Digest;

  /** @param doing what was being done, such as `submitData` */
  constructor(failure: ExecutionFailure, digest: Digest, doing: string) {
    const meaning = MEANINGS[failure.kind];
    const reason = failure.details === '' ? failure.description : failure.details;
    super(meaning?.code ?? 'EXECUTION_FAILED', `${doing} failed with ${failure.kind}${reason && `: ${reason}`}`, {
      ...(meaning !== undefined && { hint: meaning.hint }),
      retryable: meaning?.retryable ?? false,
      facts: {
        kind: failure.kind,
        digest,
        ...(failure.objectId !== undefined && { objectId: failure.objectId }),
        ...failure.data,
      },
    });
    this.kind = failure.kind;
    this.failure = failure;
    this.digest = digest;
  }
}

const NAMES: ReadonlyMap<number, ExecutionErrorKind> = new Map(
  Object.entries(Kind).map(([name, value]) => [value, name as ExecutionErrorKind]),
);

/** Some nodes put object ids into the details as 64 digits. */
const BARE_ID = /^(?:0x)?[0-9a-fA-F]{64}$/;

/** The failure in a message; kinds from a newer network become `EXECUTION_ERROR_KIND_UNKNOWN`. */
export function executionFailureFrom(message: ExecutionErrorMessage | undefined): ExecutionFailure {
  const given = message?.errorDetails;
  const details = given?.case === 'otherError' ? given.value : '';
  const id = given?.case === 'objectId' ? given.value : BARE_ID.test(details) ? details : undefined;
  return {
    kind: NAMES.get(message?.kind ?? 0) ?? 'EXECUTION_ERROR_KIND_UNKNOWN',
    description: message?.description ?? '',
    objectId: optionalId(id, 'execution_error.object_id'),
    details,
    data: Object.fromEntries([...details.matchAll(/(\w+)=([^,\s]+)/g)].map(([, name, text]) => [name, text])),
  };
}
