import type { CallOptions, DialectName } from './dialects/dialect.js';
import { APIError } from './errors.js';
import type { ApiAnswer, CallSpec, Transport } from './transport.js';
import { loginWithWallet, type WalletSigner } from './wallet-login.js';

/** Credentials for a coordinator. */
export interface CredentialOptions {
  /** The user's key, sent as `X-Api-Key`. */
  readonly apiKey?: string | undefined;
  /** JWT for coordinators that require a login. */
  readonly token?: string | undefined;
  /** Logs in automatically, and again when the token has expired. */
  readonly wallet?: WalletSigner | undefined;
  /** Key of an administrator, for statistics that live coordinators give only to administrators. */
  readonly adminApiKey?: string | undefined;
  /** JWT of an administrator, for live coordinators that require a login. */
  readonly adminToken?: string | undefined;
}

/** Adds the dialect's credentials to every call; renews a wallet login once if it is refused. */
export class AuthorisedTransport {
  readonly transport: Transport;
  readonly #credentials: CredentialOptions;
  #session: Promise<string> | undefined;

  constructor(transport: Transport, credentials: CredentialOptions) {
    this.transport = transport;
    this.#credentials = credentials;
  }

  /** Whether there are credentials for a JWT coordinator. */
  get hasLogin(): boolean {
    return this.#credentials.token !== undefined || this.#credentials.wallet !== undefined;
  }

  get hasAdmin(): boolean {
    return this.#credentials.adminApiKey !== undefined || this.#credentials.adminToken !== undefined;
  }

  /** Sends a call with the client's own credentials. */
  async call(dialect: DialectName, spec: CallSpec): Promise<ApiAnswer> {
    const renewable = dialect === 'live-jwt' && this.#credentials.token === undefined && this.#credentials.wallet;
    const send = async (): Promise<ApiAnswer> =>
      this.transport.call({ ...spec, headers: { ...spec.headers, ...(await this.#headers(dialect, spec)) } });
    try {
      return await send();
    } catch (error) {
      // A refused token means that nothing was done, so the call is safe to repeat with a new one.
      if (!renewable || !(error instanceof APIError) || error.status !== 401) throw error;
      this.#session = undefined;
      return send();
    }
  }

  /** Sends a call with administrator credentials. */
  async callAsAdmin(dialect: DialectName, spec: CallSpec): Promise<ApiAnswer> {
    const { adminApiKey, adminToken } = this.#credentials;
    return this.transport.call({
      ...spec,
      headers: {
        ...spec.headers,
        ...(dialect === 'live-jwt' && adminToken !== undefined
          ? { authorization: `Bearer ${adminToken}` }
          : { 'x-api-key': adminApiKey ?? '' }),
      },
    });
  }

  /** Logs in with the wallet and returns the token. */
  async login(options: CallOptions = {}): Promise<string | undefined> {
    const { wallet } = this.#credentials;
    if (wallet === undefined) return this.#credentials.token;
    this.#session = loginWithWallet(this.transport, wallet, options).then((login) => login.token);
    return this.#session;
  }

  async #headers(dialect: DialectName, spec: CallSpec): Promise<Record<string, string>> {
    const { apiKey, token, wallet } = this.#credentials;
    if (dialect === 'live-jwt' || apiKey === undefined) {
      if (token !== undefined) return { authorization: `Bearer ${token}` };
      if (dialect === 'live-jwt' && wallet !== undefined) {
        if (this.#session === undefined) {
          const session = loginWithWallet(this.transport, wallet, { signal: spec.signal }).then((login) => login.token);
          this.#session = session;
          session.catch(() => {
            if (this.#session === session) this.#session = undefined;
          });
        }
        return { authorization: `Bearer ${await this.#session}` };
      }
    }
    // Live servers ignore the key if there is a Bearer header, so send only one of them.
    return apiKey === undefined ? {} : { 'x-api-key': apiKey };
  }
}
