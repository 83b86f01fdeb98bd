import type { RetryDeps } from '../net/index.js';
import type { CredentialOptions } from './credentials.js';
import type { DialectChoice } from './dialects/dialect-router.js';
import type { LiveDialectOptions } from './dialects/live-marketplace.js';
import type { SocketTimings, WebSocketConstructor } from './websocket/socket-types.js';

/** The coordinator named in the API documentation. */
export const DEFAULT_BASE_URL = 'https://aitbc.bubuit.net/api';

/** Options of an {@link AITBCClient}; all optional. */
export interface AITBCClientOptions extends CredentialOptions, LiveDialectOptions {
  /** Default {@link DEFAULT_BASE_URL}. A trailing `/v1` is dropped. */
  readonly baseUrl?: string | undefined;
  /** Default: the host of the base URL, with path `/ws`. */
  readonly wsUrl?: string | undefined;
  /** Maximum wait for response headers, milliseconds. Default 30 000. */
  readonly timeout?: number | undefined;
  /** Retries of calls that are safe to repeat. Default 3. */
  readonly retries?: number | undefined;
  /** Default `auto`. */
  readonly dialect?: DialectChoice | undefined;
  /** Informational: `mainnet` or `testnet`. */
  readonly network?: string | undefined;
  /** Receipt keys to trust; see {@link VerifyReceiptOptions}. */
  readonly trustedSigners?: readonly string[] | undefined;
  /** Keys to trust in attestations; see {@link VerifyReceiptOptions}. */
  readonly trustedAttesters?: readonly string[] | undefined;
  /** Reconnects, keepalive and polling intervals of the websocket. */
  readonly socket?: Partial<SocketTimings> | undefined;
  /** Replaces the built-in HTTP client. */
  readonly fetch?: typeof fetch | undefined;
  /** Replaces the `ws` package. */
  readonly WebSocket?: WebSocketConstructor | undefined;
}

/** Dependencies that tests replace: time and randomness. */
export interface AITBCClientDeps extends RetryDeps {
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
