import type { CallOptions, DialectName } from './dialects/dialect.js';
import { APIError } from './errors.js';
import type { ApiAnswer, CallSpec, Transport } from './transport.js';
import { loginWithWallet, type WalletSigner } from './wallet-login.js';

/** Who calls a coordinator. */
export interface CredentialOptions {
  readonly apiKey?: string | undefined;
  /** A JWT for coordinators that want a login. */
  readonly token?: string | undefined;
  /** Logs in by itself, and again when the token has expired. */
  readonly wallet?: WalletSigner | undefined;
  /** For the statistics that live coordinators give to administrators only. */
  readonly adminApiKey?: string | undefined;
  readonly adminToken?: string | undefined;
}

/** Adds the credentials a dialect wants to every call; renews a wallet login once when it is refused. */
export class AuthorisedTransport {
  readonly transport: Transport;
  readonly #credentials: CredentialOptions;
  #session: Promise<string> | undefined;

  constructor(transport: Transport, credentials: CredentialOptions) {
    this.transport = transport;
    this.#credentials = credentials;
  }

  /** Whether there is something to log in to a JWT coordinator with. */
  get hasLogin(): boolean {
    return this.#credentials.token !== undefined || this.#credentials.wallet !== undefined;
  }

  get hasAdmin(): boolean {
    return this.#credentials.adminApiKey !== undefined || this.#credentials.adminToken !== undefined;
  }

  /** A call with the client's own credentials. */
  async call(dialect: DialectName, spec: CallSpec): Promise<ApiAnswer> {
    const renewable = dialect === 'live-jwt' && this.#credentials.token === undefined && this.#credentials.wallet;
    const send = async (): Promise<ApiAnswer> =>
      this.transport.call({ ...spec, headers: { ...spec.headers, ...(await this.#headers(dialect, spec)) } });
    try {
      return await send();
    } catch (error) {
      // A refused token means that nothing was done, so the call may be sent again under a new one.
      if (!renewable || !(error instanceof APIError) || error.status !== 401) throw error;
      this.#session = undefined;
      return send();
    }
  }

  /** A call with administrator credentials. */
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

  /** Logs in with the wallet now and returns the token. */
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
    // With a Bearer header present live servers never look at the key, so only one of them is sent.
    return apiKey === undefined ? {} : { 'x-api-key': apiKey };
  }
}
