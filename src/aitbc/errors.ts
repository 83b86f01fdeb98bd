import { type ErrorCode, QuarryError, type QuarryErrorOptions } from '../errors/index.js';
import type { DialectName } from './dialects/dialect.js';

/** The API's documented codes, and those this client derives for responses without one. */
export type ApiErrorCode =
  | 'INVALID_JOB_TYPE'
  | 'INSUFFICIENT_BALANCE'
  | 'JOB_NOT_FOUND'
  | 'JOB_ALREADY_COMPLETED'
  | 'OFFER_NOT_AVAILABLE'
  | 'RATE_LIMIT_EXCEEDED'
  | 'INTERNAL_ERROR'
  | 'INVALID_API_KEY'
  | 'VALIDATION_ERROR'
  | 'FORBIDDEN'
  | 'OFFER_NOT_FOUND'
  | 'RECEIPT_NOT_FOUND'
  | 'MINER_NOT_FOUND'
  | 'SERVICE_NOT_FOUND'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'JOB_NOT_READY'
  | 'PAYLOAD_TOO_LARGE'
  | 'HTTP_ERROR'
  // Servers may send undocumented codes.
  | (string & {});

/** Base class of this client's errors. */
export class AITBCError extends QuarryError {
  override readonly name: string = 'AITBCError';
}

/** An error response of the coordinator. */
export interface ApiErrorAnswer {
  readonly status: number;
  readonly apiCode: ApiErrorCode;
  readonly message: string;
  /** Operation that failed, for example `jobs.create`. */
  readonly operation: string;
  readonly details?: unknown | undefined;
  readonly requestId?: string | undefined;
  /** The parsed body, or its text. Secrets sent by this client are redacted. */
  readonly body?: unknown | undefined;
  /** Whether the route does not exist, as opposed to the resource. */
  readonly routeMissing?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
}

/**
 * A response with status 400 or more. `apiCode` is the API's own code (`JOB_NOT_FOUND`); `code` is this library's
 * (`NOT_FOUND`), shared by all networks.
 */
export class APIError extends AITBCError {
  override readonly name: string = 'APIError';
  readonly status: number;
  readonly apiCode: ApiErrorCode;
  readonly operation: string;
  readonly requestId: string | undefined;
  readonly body: unknown;
  readonly routeMissing: boolean;

  constructor(answer: ApiErrorAnswer, code: ErrorCode = codeOfStatus(answer.status), options: QuarryErrorOptions = {}) {
    super(code, `${answer.operation}: ${answer.message} (${answer.apiCode}, HTTP ${answer.status})`, {
      ...options,
      details: {
        status: answer.status,
        apiCode: answer.apiCode,
        requestId: answer.requestId,
        retryAfterMs: answer.retryAfterMs,
        ...serverDetails(answer.details),
        ...options.details,
      },
    });
    this.status = answer.status;
    this.apiCode = answer.apiCode;
    this.operation = answer.operation;
    this.requestId = answer.requestId;
    this.body = answer.body;
    this.routeMissing = answer.routeMissing ?? false;
  }
}

/** 400 and 422: the request is invalid; includes `INVALID_JOB_TYPE`. */
export class ValidationError extends APIError {
  override readonly name = 'ValidationError';
}
/** 401 and 403: missing or wrong credentials, or the wrong role. */
export class AuthenticationError extends APIError {
  override readonly name = 'AuthenticationError';
}
/** 402 `INSUFFICIENT_BALANCE`: the wallet cannot pay. */
export class PaymentRequiredError extends APIError {
  override readonly name = 'PaymentRequiredError';
}
/** 404: no such job, offer, receipt, miner or service. */
export class NotFoundError extends APIError {
  override readonly name = 'NotFoundError';
}
/** 409 `JOB_ALREADY_COMPLETED`: the job can no longer change. */
export class ConflictError extends APIError {
  override readonly name = 'ConflictError';
}
/** 410 `OFFER_NOT_AVAILABLE`: the offer is gone. */
export class GoneError extends APIError {
  override readonly name = 'GoneError';
}
/** 425: the job has no result yet. */
export class NotReadyError extends APIError {
  override readonly name = 'NotReadyError';
}
/** 429 `RATE_LIMIT_EXCEEDED`. */
export class RateLimitError extends APIError {
  override readonly name = 'RateLimitError';
  /** Milliseconds to wait, if the server said so. */
  readonly retryAfter: number | undefined;

  constructor(answer: ApiErrorAnswer, code?: ErrorCode, options?: QuarryErrorOptions) {
    super(answer, code, options);
    this.retryAfter = answer.retryAfterMs;
  }
}
/** 5xx `INTERNAL_ERROR`: the server failed. */
export class ServerError extends APIError {
  override readonly name = 'ServerError';
}

/** The server does not support this operation; `alternative` is the closest one it does. */
export class UnsupportedOperationError extends AITBCError {
  override readonly name = 'UnsupportedOperationError';
  readonly operation: string;
  readonly dialect: DialectName | undefined;
  readonly alternative: string;

  constructor(operation: string, dialect: DialectName | undefined, alternative: string) {
    super(
      'UNSUPPORTED',
      `${operation} does not exist on ${dialect === undefined ? 'this server' : `a ${dialect} coordinator`}`,
      {
        hint: alternative,
        details: { operation, dialect },
      },
    );
    this.operation = operation;
    this.dialect = dialect;
    this.alternative = alternative;
  }
}

/** A job that ended without a result: failed, cancelled or expired. */
export class JobFailedError extends AITBCError {
  override readonly name = 'JobFailedError';
  readonly jobId: string;
  /** `failed` or `cancelled`. */
  readonly status: string;

  constructor(jobId: string, status: string, reason: string | undefined) {
    super('FAILED_PRECONDITION', `job ${jobId} ${status}${reason === undefined ? '' : `: ${reason}`}`, {
      details: { jobId, status, reason },
    });
    this.jobId = jobId;
    this.status = status;
  }
}

/** Waiting for a job timed out. The job continues. */
export class TimeoutError extends AITBCError {
  override readonly name = 'TimeoutError';
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 402) return 'INSUFFICIENT_FUNDS';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 405) return 'UNSUPPORTED';
  if (status === 409 || status === 410 || status === 425) return 'FAILED_PRECONDITION';
  if (status === 413) return 'DATA_TOO_LARGE';
  if (status === 429) return 'RATE_LIMITED';
  if (status === 503) return 'OVERLOADED';
  if (status >= 500) return 'REMOTE_FAILURE';
  return 'REMOTE_REJECTED';
}

/** Creates the error class for a status, with a hint if there is something to do. */
export function apiErrorOf(answer: ApiErrorAnswer): APIError {
  switch (answer.status) {
    case 400:
    case 422:
      return new ValidationError(answer);
    case 401:
      return new AuthenticationError(answer, undefined, {
        hint: 'give an API key (AITBC_API_KEY), or a token or wallet key for a coordinator that wants a login',
      });
    case 403:
      return new AuthenticationError(answer, undefined, { hint: 'these credentials lack the role this call needs' });
    case 402:
      return new PaymentRequiredError(answer, undefined, { hint: 'top up the wallet, or lower the price' });
    case 404:
      return new NotFoundError(answer);
    case 409:
      return new ConflictError(answer);
    case 410:
      return new GoneError(answer, undefined, { hint: 'list the offers again and take another' });
    case 425:
      return new NotReadyError(answer, undefined, { retryable: true, hint: 'wait for the job to finish' });
    case 429:
      return new RateLimitError(answer, undefined, { hint: 'wait and send fewer requests' });
    default:
      return answer.status >= 500 ? new ServerError(answer) : new APIError(answer);
  }
}

/** The server's error details, by name; lists, as in validation errors, go under `details`. */
function serverDetails(details: unknown): Record<string, unknown> {
  if (details === undefined || details === null) return {};
  return typeof details === 'object' && !Array.isArray(details) ? { ...details } : { details };
}
