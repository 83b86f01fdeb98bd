import { isIP } from 'node:net';
import { QuarryError } from '../errors/index.js';

/** Whether a host name or literal address (brackets allowed) refers to this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** Whether a `host` header names this machine. Checking it protects local servers from DNS rebinding by web pages. */
export function isLocalHostHeader(header: string | undefined): boolean {
  return isLoopbackHost((header ?? '').replace(/:\d+$/, ''));
}

/** Requirements for a base URL. */
export interface BaseUrlRules {
  /** Name of the setting in errors, such as `Hub URL`. */
  readonly what: string;
  /** Example shown in the hint of an error. */
  readonly example: string;
  /** Refuse plain http to other machines, since requests carry keys. */
  readonly requireTls?: boolean | undefined;
}

/**
 * Returns a server's base URL without trailing slashes, query or fragment.
 *
 * @throws QuarryError `CONFIG_INVALID` when it is not an http(s) URL, contains a user name or password, or is plain
 * http to another machine although TLS is required
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
