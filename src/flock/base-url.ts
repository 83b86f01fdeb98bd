import { normaliseBaseUrl } from '../net/index.js';

/** FLock's production service. */
export const DEFAULT_BASE_URL = 'https://fed-ledger-prod.flock.io/api/v1/';

/**
 * Normalises a base URL to end in `/api/v1/`; the trailing slash and the version path may be missing.
 *
 * @throws QuarryError `CONFIG_INVALID` when it is not an http(s) URL, or plain http to another machine
 */
export function flockBaseUrl(text: string): string {
  const base = normaliseBaseUrl(text, { what: 'base URL', example: DEFAULT_BASE_URL, requireTls: true });
  return `${/\/api\/v\d+$/.test(base) ? base : `${base}/api/v1`}/`;
}
