import { QuarryError } from '../../errors/index.js';
import { redactUrl } from '../redact.js';

/** Too few bytes may be a truncated transfer, which can be retried; too many mean a different file. */
export function sizeMismatch(url: string, received: number, expected: number): QuarryError {
  const word = received > expected ? 'more than' : 'only';
  const count = Math.min(received, expected);
  return new QuarryError('SIZE_MISMATCH', `${redactUrl(url)} served ${word} ${count} of ${expected} announced bytes`, {
    hint: 'the file behind the link is not the one announced, or the transfer was cut short',
    details: { received, expected },
    retryable: received < expected,
  });
}

/** Error for `verify` hooks whose checksum does not match. */
export function checksumMismatch(where: string, expected: string, got: string): QuarryError {
  return new QuarryError('CHECKSUM_MISMATCH', `data from ${where} does not match its announced checksum`, {
    hint: 'the host serves a different file than committed, or the transfer was damaged; nothing was kept',
    details: { expected, got },
  });
}

/** Error for a file that is replaced faster than it can be read. */
export function keepsChanging(url: string): QuarryError {
  return new QuarryError('CHECKSUM_MISMATCH', `the file at ${redactUrl(url)} keeps changing while it is downloaded`, {
    hint: 'it is being replaced; try again in a few minutes',
  });
}

export function tookTooLong(totalMs: number, cause: unknown): QuarryError {
  return new QuarryError('TIMEOUT', `the download was not finished within ${totalMs / 1000} s`, {
    details: { totalMs },
    cause,
  });
}

/** Combines the failures of all addresses: wrong content takes precedence over an address without the file. */
export function nothingDelivered(failures: readonly QuarryError[]): QuarryError {
  const wrong = failures.find(({ code }) => code === 'CHECKSUM_MISMATCH' || code === 'SIZE_MISMATCH');
  const told = wrong ?? failures.at(-1) ?? new QuarryError('INVALID_ARGUMENT', 'no address to download from');
  if (failures.length < 2) return told;
  const messages = failures.map(({ message }) => message).join('; then ');
  return new QuarryError(told.code, `no address delivered the bytes: ${messages}`, {
    hint: told.hint,
    details: told.details,
    retryable: failures.some(({ retryable }) => retryable),
    cause: told,
  });
}
