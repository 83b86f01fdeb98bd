import { type ErrorCode, QuarryError } from '../errors/index.js';
import { parseRetryAfterMs } from './retry-after.js';

/** A response with an error status. Network-specific clients can refine the meaning from `status` and `body`. */
export class HttpStatusError extends QuarryError {
  override readonly name = 'HttpStatusError';
  readonly status: number;
  /** Start of the body, decoded as text. Untrusted. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, what: string, body: string, headers: Readonly<Record<string, string>>) {
    const { code, retryable } = meaningOf(status);
    const retryAfterMs = parseRetryAfterMs(headers['retry-after'], Date.now());
    super(code, `${what} answered HTTP ${status}${excerpt(body)}`, {
      retryable,
      details: { status, retryAfterMs },
    });
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

function meaningOf(status: number): { code: ErrorCode; retryable: boolean } {
  if (status === 401) return { code: 'UNAUTHENTICATED', retryable: false };
  if (status === 403) return { code: 'PERMISSION_DENIED', retryable: false };
  if (status === 404 || status === 410) return { code: 'NOT_FOUND', retryable: false };
  if (status === 408) return { code: 'TIMEOUT', retryable: true };
  if (status === 409) return { code: 'CONFLICT', retryable: false };
  if (status === 429) return { code: 'RATE_LIMITED', retryable: true };
  if (status === 503) return { code: 'OVERLOADED', retryable: true };
  if (status >= 500) return { code: 'REMOTE_FAILURE', retryable: status !== 501 };
  return { code: 'REMOTE_REJECTED', retryable: false };
}

/** Shortens a body to one line: it may be an HTML page, and is untrusted. */
function excerpt(body: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal
  const line = body.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  if (line === '' || line.startsWith('<')) return '';
  return `: ${line.length > 200 ? `${line.slice(0, 200)}…` : line}`;
}
