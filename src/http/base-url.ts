import { isIP } from 'node:net';
import { QuarryError } from '../errors/index.js';

/** Whether a host name or literal address (brackets allowed) means this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** Whether a `host` header names this machine: a web page elsewhere must not reach a local server through the browser. */
export function isLocalHostHeader(header: string | undefined): boolean {
  return isLoopbackHost((header ?? '').replace(/:\d+$/, ''));
}

/** What a base URL must satisfy. */
export interface BaseUrlRules {
  /** Names the setting in errors, such as `Hub URL`. */
  readonly what: string;
  /** Shown as a hint when it is not a URL. */
  readonly example: string;
  /** Refuse plain http beyond this machine, because keys travel along. */
  readonly requireTls?: boolean | undefined;
}

/**
 * A server's base URL without trailing slashes, query or fragment.
 *
 * @throws QuarryError `CONFIG_INVALID` when it is not an http(s) URL, contains a user name or password, or is plain http
 * to another machine although TLS is required
 */
export function normaliseBaseUrl(text: string, { what, example, requireTls = false }: BaseUrlRules): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new QuarryError('CONFIG_INVALID', `the ${what} is not an http(s) URL`, { hint: `for example ${example}` });
  }
  if (requireTls && url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    throw new QuarryError('CONFIG_INVALID', `the ${what} must be https unless it is on this machine`, {
      hint: 'Keys would travel unencrypted; use https.',
      details: { host: url.host },
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new QuarryError('CONFIG_INVALID', `the ${what} must not contain a user name or password`);
  }
  return `${url.origin}${url.pathname.replace(/(?<!\/)\/+$/, '')}`;
}
