import { QuarryError } from '../errors/index.js';

/** FLock's production service. */
export const DEFAULT_BASE_URL = 'https://fed-ledger-prod.flock.io/api/v1/';

/** Whether a host name means this machine. */
function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * A base address ending in `/api/v1/`; the slash at the end and the version path may be missing.
 *
 * @throws QuarryError `CONFIG_INVALID` when it is no http(s) address
 * @throws QuarryError `CONFIG_INVALID` when it is plain http to another machine
 */
export function normaliseBaseUrl(text: string): string {
  const url = checkServerUrl(text, 'base URL');
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${/\/api\/v\d+$/.test(path) ? path : `${path}/api/v1`}/`;
}

/**
 * A server's address without trailing slash, query or fragment.
 *
 * @throws QuarryError `CONFIG_INVALID` when it is no http(s) address, or plain http to another machine
 */
export function normaliseServerUrl(text: string, what: string): string {
  const url = checkServerUrl(text, what);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function checkServerUrl(text: string, what: string): URL {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch (cause) {
    throw new QuarryError('CONFIG_INVALID', `the ${what} is not an address`, {
      cause,
      hint: `Write it in full, for example ${DEFAULT_BASE_URL}.`,
    });
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    throw new QuarryError('CONFIG_INVALID', `the ${what} must be https unless it is on this machine`, {
      hint: 'Keys would travel unencrypted; use https.',
      details: { host: url.host },
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new QuarryError('CONFIG_INVALID', `the ${what} must not contain a user name or password`);
  }
  return url;
}
