import type { ErrorCode } from './codes.js';
import { QuarryError } from './quarry-error.js';

/** Node's error numbers that mean the other side could not be reached. */
const UNREACHABLE_ERRNOS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'EPIPE',
  'UND_ERR_SOCKET',
]);
const TIMEOUT_ERRNOS: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** The `code` Node attaches to a system error, looked for along the chain of causes. */
function errnoOf(error: unknown): string | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth++) {
    const code = (current as NodeJS.ErrnoException).code;
    if (typeof code === 'string') return code;
    if (current instanceof AggregateError && current.errors.length > 0) {
      const inner = errnoOf(current.errors[0]);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

function codeOfErrno(errno: string): ErrorCode | undefined {
  if (UNREACHABLE_ERRNOS.has(errno)) return 'UNREACHABLE';
  if (TIMEOUT_ERRNOS.has(errno)) return 'TIMEOUT';
  if (errno.startsWith('ERR_TLS') || errno.startsWith('ERR_SSL') || errno.includes('CERT')) return 'TLS';
  if (errno === 'ENOENT') return 'FILE_NOT_FOUND';
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS' || errno === 'EISDIR' || errno === 'ENOTDIR')
    return 'FILE_UNREADABLE';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'DISK_FULL';
  return undefined;
}

/** Whether `error` says that an operation was aborted by its signal. */
export function isAbort(error: unknown): boolean {
  return (
    (error instanceof QuarryError && error.code === 'ABORTED') ||
    (error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR'))
  );
}

/**
 * Turns anything thrown into a {@link QuarryError}; one that already is comes back unchanged.
 *
 * @param error what was caught
 * @param doing what was being done, to begin the sentence: `"reading weights.safetensors"`
 */
export function toQuarryError(error: unknown, doing: string): QuarryError {
  if (error instanceof QuarryError) return error;
  if (isAbort(error)) return new QuarryError('ABORTED', `${doing} was interrupted`, { cause: error });
  const detail = error instanceof Error ? error.message || error.name : String(error);
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new QuarryError('TIMEOUT', `${doing} took too long`, { cause: error });
  }
  const errno = errnoOf(error);
  const code = errno === undefined ? undefined : codeOfErrno(errno);
  return new QuarryError(code ?? 'INTERNAL', `${doing} failed: ${detail}`, {
    cause: error,
    ...(errno !== undefined && { details: { errno } }),
  });
}

/** @throws QuarryError `ABORTED` when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw new QuarryError('ABORTED', `${doing} was interrupted`, { cause: signal.reason });
}
