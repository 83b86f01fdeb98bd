import { QuarryError } from '../errors/index.js';

/** System errors raised before any byte of a request left this machine. */
const UNSENT_ERRNOS: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether the failed request was certainly never sent, so that repeating it is safe. */
export function wasUnsent(error: unknown): boolean {
  return error instanceof QuarryError && UNSENT_ERRNOS.has(error.details['errno']);
}
