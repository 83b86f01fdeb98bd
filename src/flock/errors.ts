import { type ErrorCode, QuarryError, type QuarryErrorOptions } from '../errors/index.js';
import type { Json } from './json.js';

/**
 * FLock's error reasons and the project code of each. Reasons are stable and finer than codes: `FLOCK_NO_WORK` and
 * `FLOCK_ASSIGNMENT_NOT_VALIDATING` are both `FAILED_PRECONDITION`.
 */
export const FLOCK_REASONS = {
  FLOCK_CONFIG: 'CONFIG_MISSING',
  FLOCK_NETWORK: 'UNREACHABLE',
  FLOCK_TIMEOUT: 'TIMEOUT',
  FLOCK_ABORTED: 'ABORTED',
  FLOCK_DECODE: 'PROTOCOL',
  FLOCK_BAD_REQUEST: 'REMOTE_REJECTED',
  FLOCK_AUTH: 'UNAUTHENTICATED',
  FLOCK_NOT_FOUND: 'NOT_FOUND',
  FLOCK_VALIDATION: 'INVALID_ARGUMENT',
  FLOCK_CONFLICT: 'CONFLICT',
  FLOCK_RATE_LIMITED: 'RATE_LIMITED',
  FLOCK_NO_WORK: 'FAILED_PRECONDITION',
  FLOCK_ASSIGNMENT_NOT_VALIDATING: 'FAILED_PRECONDITION',
  FLOCK_PREFLIGHT: 'FAILED_PRECONDITION',
  FLOCK_SERVER: 'REMOTE_FAILURE',
  FLOCK_PRESIGN_EXPIRED: 'REMOTE_REJECTED',
  FLOCK_DOWNLOAD: 'REMOTE_REJECTED',
  FLOCK_DOWNLOAD_INTEGRITY: 'CHECKSUM_MISMATCH',
  FLOCK_DOWNLOAD_LOCKED: 'STORE_LOCKED',
  FLOCK_HUB: 'REMOTE_REJECTED',
  FLOCK_HUB_CONFLICT: 'ALREADY_EXISTS',
  FLOCK_OUTCOME_UNKNOWN: 'OUTCOME_UNKNOWN',
} as const satisfies Record<string, ErrorCode>;

/** One of the names in {@link FLOCK_REASONS}. */
export type FlockReason = keyof typeof FLOCK_REASONS;

/** One issue in a 422 response. */
export interface ValidationIssue {
  /** Location in the service's notation: `query.task_id`. */
  readonly path: string;
  readonly message: string;
}

/** Optional fields of a {@link FlockError}. */
export interface FlockErrorOptions extends QuarryErrorOptions {
  /** Overrides the project code of the reason. */
  readonly code?: ErrorCode | undefined;
  /** HTTP method of the request. */
  readonly method?: string | undefined;
  /** URL without its query, which may contain a signature. */
  readonly url?: string | undefined;
  /** HTTP status of the response. */
  readonly status?: number | undefined;
  /** The response's `detail`, as received. */
  readonly detail?: Json | undefined;
  /** What the service found wrong with the fields of the request. */
  readonly issues?: readonly ValidationIssue[] | undefined;
  /** The service's id of the request. */
  readonly requestId?: string | undefined;
  /** Wait requested by the service, milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Times the request was sent. */
  readonly attempts?: number | undefined;
}

/** Every failure of the FLock client: a {@link QuarryError} with FLock's finer reason and details of the request. */
export class FlockError extends QuarryError {
  override readonly name: string = 'FlockError';
  readonly reason: FlockReason;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly detail: Json | undefined;
  readonly issues: readonly ValidationIssue[];
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly attempts: number | undefined;

  constructor(reason: FlockReason, message: string, options: FlockErrorOptions = {}) {
    const details = {
      reason,
      method: options.method,
      url: options.url,
      status: options.status,
      requestId: options.requestId,
      ...(options.attempts !== undefined && options.attempts > 1 && { attempts: options.attempts }),
      ...options.details,
    };
    super(options.code ?? FLOCK_REASONS[reason], message, { ...options, details });
    this.reason = reason;
    this.method = options.method;
    this.url = options.url;
    this.status = options.status;
    this.detail = options.detail;
    this.issues = options.issues ?? [];
    this.requestId = options.requestId;
    this.retryAfterMs = options.retryAfterMs;
    this.attempts = options.attempts;
  }

  override toJSON(): Record<string, unknown> {
    return {
      ...super.toJSON(),
      detail: this.detail,
      ...(this.issues.length > 0 && { issues: this.issues }),
    };
  }
}

/** Whether `error` is a {@link FlockError} with one of `reasons`. */
export function hasReason(error: unknown, ...reasons: FlockReason[]): error is FlockError {
  return error instanceof FlockError && reasons.includes(error.reason);
}
