import { scalarValue } from '../tensor.js';
import type { ExecutionFailure } from './execution-failure.js';
import { EXECUTION_FAILURES } from './execution-failure-kinds.js';

/**
 * The part of a fullnode that formats a failure: `execution` for ExecuteTransaction, SimulateTransaction and
 * GetTransaction, `checkpoint` for GetCheckpoint and SubscribeCheckpoints. They differ in how they represent object
 * ids.
 */
export type FailureTextPath = 'execution' | 'checkpoint';

/** A failure in the form of the RPC's ExecutionError. */
export interface FailureText {
  readonly rpcKind: number;
  /** The Rust debug form: `InsufficientBond { required: 65000, provided: 10 }`. */
  readonly description: string;
  readonly objectId?: string | undefined;
  readonly otherError?: string | undefined;
}

/** The texts of a failure as a fullnode formats them. */
export function failureText(failure: ExecutionFailure, path: FailureTextPath): FailureText {
  const { rpcKind } = EXECUTION_FAILURES[failure.kind];
  const description = debugText(failure);
  if ('objectId' in failure) {
    return path === 'execution'
      ? { rpcKind, description, objectId: failure.objectId }
      : { rpcKind, description, otherError: failure.objectId.slice(2) };
  }
  const otherError = detailText(failure, path);
  return { rpcKind, description, otherError };
}

function detailText(failure: ExecutionFailure, path: FailureTextPath): string | undefined {
  const id = (text: string): string => (path === 'execution' ? text : text.slice(2));
  switch (failure.kind) {
    case 'invalidArguments':
    case 'invalidProofOfPossession':
      return failure.reason;
    case 'duplicateValidatorMetadata':
      return failure.field;
    case 'modelInvalidState':
      return 'Model in invalid state for this operation';
    case 'targetExpired':
      return `generation_epoch=${failure.generationEpoch}, current_epoch=${failure.currentEpoch}`;
    case 'auditWindowOpen':
    case 'auditWindowClosed':
      return `fill_epoch=${failure.fillEpoch}, current_epoch=${failure.currentEpoch}`;
    case 'modelNotInTarget':
      return `model_id=${id(failure.modelId)}, target_id=${id(failure.targetId)}`;
    case 'embeddingDimensionMismatch':
      return `expected=${failure.expected}, actual=${failure.actual}`;
    case 'distanceExceedsThreshold':
      return `score=${f32Text(scalarValue(failure.score))}, threshold=${f32Text(scalarValue(failure.threshold))}`;
    case 'insufficientBond':
      return `required=${failure.required}, provided=${failure.provided}`;
    case 'dataExceedsMaxSize':
      return `size=${failure.size}, max_size=${failure.maxSize}`;
    case 'arithmeticOverflow':
      return 'Arithmetic overflow in execution';
    case 'somaError':
      return failure.message;
    default:
      return undefined;
  }
}

/** The shortest decimal text that parses to the same f32. */
export function f32Text(value: number): string {
  const rounded = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return Number(text).toString();
  }
  return rounded.toString();
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function debugText(failure: ExecutionFailure): string {
  const { kind, ...fields } = failure;
  const variant = kind.charAt(0).toUpperCase() + kind.slice(1);
  if (failure.kind === 'somaError') return `SomaError(${JSON.stringify(failure.message)})`;
  const entries = Object.entries(fields).map(([name, value]) => `${snakeCase(name)}: ${debugValue(name, value)}`);
  return entries.length === 0 ? variant : `${variant} { ${entries.join(', ')} }`;
}

function debugValue(name: string, value: unknown): string {
  if (name === 'reason' || name === 'field') return JSON.stringify(value);
  if (name === 'actualOwner') return value === undefined ? 'None' : `Some(${String(value)})`;
  if (typeof value === 'object' && value !== null && 'values' in value) {
    const text = f32Text((value as { values: Float32Array }).values[0] ?? Number.NaN);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }
  return String(value);
}
