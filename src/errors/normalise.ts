import type { ErrorCode } from './codes.js';
import { QuarryError } from './quarry-error.js';

/** Node error codes that mean the other side is unreachable. */
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

/** File system errors for an unusable file: permissions, wrong type, or a failing disk. */
const UNREADABLE_ERRNOS: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EISDIR',
  'ENOTDIR',
  'EIO',
  'ENXIO',
  'ENODEV',
  'ESTALE',
  'ELOOP',
  'ENAMETOOLONG',
  'EAGAIN',
]);
/** Errors of HTTP clients about malformed responses. Codes of Node's parser (`HPE_…`) are matched by prefix. */
const PROTOCOL_ERRNOS: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_INVALID_CHAR',
]);

/** What Node reports of a system call that failed. */
interface SystemError {
  readonly code: string;
  readonly syscall?: string | undefined;
  /** Of the file that the call names, if it names one. */
  readonly path?: string | undefined;
}

/** Finds the system error and its `code` in the chain of causes. */
function systemErrorOf(error: unknown): SystemError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; current = current.cause, depth++) {
    // Undici's parser errors lack a code.
    const {
      code = current.name === 'HTTPParserError' ? 'HPE_INVALID' : undefined,
      syscall,
      path,
    } = current as NodeJS.ErrnoException;
    if (typeof code === 'string') return { code, syscall, path };
    if (current instanceof AggregateError && current.errors.length > 0) {
      const inner = systemErrorOf(current.errors[0]);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

function codeOf({ code: errno, syscall, path }: SystemError): ErrorCode | undefined {
  if (UNREACHABLE_ERRNOS.has(errno)) return 'UNREACHABLE';
  if (TIMEOUT_ERRNOS.has(errno)) return 'TIMEOUT';
  if (errno.startsWith('ERR_TLS') || errno.startsWith('ERR_SSL') || errno.includes('CERT')) return 'TLS';
  if (errno.startsWith('HPE_') || PROTOCOL_ERRNOS.has(errno)) return 'PROTOCOL';
  // Node's mkdir reports ENOENT on a broken or read-only disk.
  if (errno === 'ENOENT') return syscall === 'mkdir' ? 'FILE_UNREADABLE' : 'FILE_NOT_FOUND';
  if (UNREADABLE_ERRNOS.has(errno)) return 'FILE_UNREADABLE';
  if (errno === 'ERR_FS_FILE_TOO_LARGE' || errno === 'ERR_STRING_TOO_LONG') return 'DATA_TOO_LARGE';
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'DISK_FULL';
  // Whatever the system says of a path, such as EEXIST, EBUSY or EMFILE, is about the file or this machine.
  return syscall !== undefined && path !== undefined ? 'FILE_UNREADABLE' : undefined;
}

/** Whether `error` means that an operation was aborted by its signal. */
export function isAbort(error: unknown): boolean {
  return (
    (error instanceof QuarryError && error.code === 'ABORTED') ||
    (error instanceof Error && (error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ABORT_ERR'))
  );
}

/**
 * Converts anything thrown into a {@link QuarryError}; a QuarryError is returned unchanged.
 *
 * @param error the caught value
 * @param doing the operation that failed, which begins the message: `"reading weights.safetensors"`
 */
export function toQuarryError(error: unknown, doing: string): QuarryError {
  if (error instanceof QuarryError) return error;
  if (isAbort(error)) return new QuarryError('ABORTED', `${doing} was interrupted`, { cause: error });
  const detail = error instanceof Error ? error.message || error.name : String(error);
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new QuarryError('TIMEOUT', `${doing} took too long`, { cause: error });
  }
  const system = systemErrorOf(error);
  const errno = system?.code;
  const code = system && codeOf(system);
  return new QuarryError(code ?? 'INTERNAL', `${doing} failed: ${detail}`, {
    cause: error,
    ...(errno !== undefined && { details: { errno } }),
  });
}

/** @throws QuarryError `ABORTED` when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw new QuarryError('ABORTED', `${doing} was interrupted`, { cause: signal.reason });
}
