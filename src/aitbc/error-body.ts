import { parseRetryAfterMs, redactSecrets } from '../net/index.js';
import { plainText } from '../text/index.js';
import { parseJson } from '../text/parse-json.js';
import { type APIError, type ApiErrorCode, apiErrorOf } from './errors.js';

/** The parts of an HTTP response that determine the error. */
export interface FailedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Kind of resource in an operation's path, which determines the code of a bare 404. */
export type ResourceKind = 'job' | 'offer' | 'receipt' | 'miner' | 'service' | 'none';

interface ErrorParts {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly details?: unknown | undefined;
  readonly requestId?: string | undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/**
 * Converts an error response. Reads every format of the coordinators, their gateway and their services:
 * `{error:{code,message,details}}`, `{error:{type,message}}`, `{detail:string}`, `{detail:[…]}`, `{detail,error_code}`,
 * `{error:string}`, plain text, HTML, nothing.
 *
 * @param secrets redacted wherever the server echoes them
 */
export function parseApiError(
  answer: FailedAnswer,
  operation: string,
  resource: ResourceKind,
  secrets: readonly string[] = [],
  now: () => number = Date.now,
): APIError {
  const text = redactSecrets(answer.text, secrets);
  const body = parseBody(text);
  const parts = partsOf(body);
  const requestId = parts.requestId ?? answer.headers['x-request-id'];
  const retryAfterMs = answer.status === 429 || answer.status === 503 ? retryAfter(answer.headers, now) : undefined;
  return apiErrorOf({
    status: answer.status,
    apiCode: documentedCode(parts.code) ?? codeFor(answer.status, operation, resource, parts.message),
    // Untrusted text: one line, no control characters, no HTML.
    message: plainText(parts.message ?? plainMessage(text) ?? '').slice(0, 500) || 'the server gave no reason',
    operation,
    body,
    routeMissing: isRouteMissing(answer.status, body),
    details: parts.details,
    requestId,
    retryAfterMs,
  });
}

function parseBody(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** FastAPI's exact response to an unknown route; unknown resources have another message. */
function isRouteMissing(status: number, body: unknown): boolean {
  if (status === 405) return true;
  return status === 404 && isObject(body) && Object.keys(body).length === 1 && body['detail'] === 'Not Found';
}

function partsOf(body: unknown): ErrorParts {
  if (!isObject(body)) return {};
  const error = body['error'];
  if (isObject(error)) {
    const details = error['details'];
    const nestedId = isObject(details) ? textOf(details['request_id']) : undefined;
    const requestId = nestedId ?? textOf(body['request_id']);
    return strip({ code: textOf(error['code']), message: textOf(error['message']), details, requestId });
  }
  const code = textOf(body['error_code']);
  const detail = body['detail'];
  if (Array.isArray(detail)) {
    const lines = detail.filter(isObject).map((entry) => {
      const where = Array.isArray(entry['loc']) ? entry['loc'].join('.') : '';
      return `${where}: ${textOf(entry['msg']) ?? 'invalid'}`;
    });
    return strip({ code, message: lines.join('; ') || undefined, details: detail });
  }
  return strip({ code, message: textOf(detail) ?? textOf(error) ?? textOf(body['message']) });
}

function strip(parts: { [K in keyof ErrorParts]: ErrorParts[K] | undefined }): ErrorParts {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as ErrorParts;
}

function documentedCode(code: string | undefined): ApiErrorCode | undefined {
  return code !== undefined && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : undefined;
}

function codeFor(status: number, operation: string, resource: ResourceKind, message: string | undefined): ApiErrorCode {
  if (status === 400 || status === 422) {
    return operation === 'jobs.create' && status === 400 ? 'INVALID_JOB_TYPE' : 'VALIDATION_ERROR';
  }
  if (status === 401) return 'INVALID_API_KEY';
  if (status === 402) return 'INSUFFICIENT_BALANCE';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) {
    if (resource === 'receipt' && /receipt/i.test(message ?? '')) return 'RECEIPT_NOT_FOUND';
    if (resource === 'receipt' || resource === 'job') return 'JOB_NOT_FOUND';
    if (resource === 'offer') return 'OFFER_NOT_FOUND';
    if (resource === 'miner') return 'MINER_NOT_FOUND';
    if (resource === 'service') return 'SERVICE_NOT_FOUND';
    return 'NOT_FOUND';
  }
  if (status === 405) return 'METHOD_NOT_ALLOWED';
  if (status === 409) return 'JOB_ALREADY_COMPLETED';
  if (status === 410) return 'OFFER_NOT_AVAILABLE';
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  if (status === 425) return 'JOB_NOT_READY';
  if (status === 429) return 'RATE_LIMIT_EXCEEDED';
  return status >= 500 ? 'INTERNAL_ERROR' : 'HTTP_ERROR';
}

/** First line of a plain-text body; undefined for HTML. */
function plainMessage(text: string): string | undefined {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return line === '' || line.startsWith('<') || line.startsWith('{') || line.startsWith('[')
    ? undefined
    : line.slice(0, 200);
}

/** `Retry-After`, or else `X-RateLimit-Reset` (Unix seconds); at most five minutes. */
function retryAfter(headers: Readonly<Record<string, string>>, now: () => number): number | undefined {
  const asked = parseRetryAfterMs(headers['retry-after'], now());
  const reset = headers['x-ratelimit-reset'] ?? '';
  if (asked !== undefined || !/^\d+$/.test(reset)) return asked;
  return parseRetryAfterMs(new Date(Number(reset) * 1000).toUTCString(), now());
}
