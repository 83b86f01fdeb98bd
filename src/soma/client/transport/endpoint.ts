import { QuarryError } from '../../../errors/index.js';
import { isLoopbackHost } from '../../../net/index.js';

/** TLS settings of an `https:` endpoint; uses the certificate authorities of the system and Node by default. */
export interface TlsOptions {
  /** Certificate authorities in PEM, instead of the defaults. */
  readonly caPem?: string | undefined;
  /** Client certificate in PEM, if the server requires one. */
  readonly certPem?: string | undefined;
  /** Key of {@link TlsOptions.certPem}, in PEM. */
  readonly keyPem?: string | undefined;
  /** Name expected in the certificate, if it differs from the host. */
  readonly serverName?: string | undefined;
}

/** Address of a gRPC service. `http:` means plain-text HTTP/2 with prior knowledge, `https:` means TLS with ALPN h2. */
export interface Endpoint {
  /** Origin without a trailing slash, such as `https://fullnode.testnet.soma.org`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Whether the host is this machine. */
  readonly loopback: boolean;
}

/**
 * Parses the URL of a gRPC service.
 *
 * @throws QuarryError `CONFIG_INVALID` when `url` is not an `http:` or `https:` URL
 * @throws QuarryError `CONFIG_INVALID` when it contains a user, a path or a query
 */
export function parseEndpoint(url: string): Endpoint {
  const hint = 'use something like http://127.0.0.1:9000 or https://fullnode.testnet.soma.org';
  if (!URL.canParse(url)) throw new QuarryError('CONFIG_INVALID', 'the service URL is not a URL', { hint });
  const parsed = new URL(url);
  const secure = parsed.protocol === 'https:';
  if (!secure && parsed.protocol !== 'http:') {
    throw new QuarryError('CONFIG_INVALID', `${parsed.protocol} is not a protocol of gRPC services`, { hint });
  }
  if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '' || !/^\/?$/.test(parsed.pathname)) {
    throw new QuarryError('CONFIG_INVALID', 'the service URL must be an origin: no user, path or query', { hint });
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? (secure ? 443 : 80) : Number(parsed.port);
  return { url: parsed.origin, host, port, secure, loopback: isLoopbackHost(host) };
}
