import type { AuthorisedTransport } from '../credentials.js';
import { APIError, UnsupportedOperationError } from '../errors.js';
import { detectDialect } from './detect.js';
import type { CallOptions, CoordinatorDialect, DialectName } from './dialect.js';
import { DocumentedDialect } from './documented.js';
import { LiveDialect } from './live.js';
import type { LiveDialectDeps, LiveDialectOptions } from './live-marketplace.js';

/** `live` detects which of the two live generations it is. */
export type DialectChoice = 'auto' | 'live' | DialectName;

/** Options of a {@link DialectRouter}. */
export interface DialectRouterOptions extends LiveDialectOptions {
  readonly dialect: DialectChoice;
}

/** Picks the dialect once per client, and per operation for servers that mix generations. */
export class DialectRouter {
  readonly #transport: AuthorisedTransport;
  readonly #options: DialectRouterOptions;
  readonly #deps: LiveDialectDeps;
  readonly #exceptions = new Map<string, DialectName>();
  #detected: Promise<DialectName> | undefined;

  constructor(transport: AuthorisedTransport, options: DialectRouterOptions, deps: LiveDialectDeps) {
    this.#transport = transport;
    this.#options = options;
    this.#deps = deps;
  }

  /** The dialect in use; detected on the first call. */
  async name(options: CallOptions = {}): Promise<DialectName> {
    const choice = this.#options.dialect;
    if (choice !== 'auto' && choice !== 'live') return choice;
    if (this.#detected === undefined) {
      const detected = detectDialect(this.#transport, this.#options.healthPath, options).then((found) =>
        choice === 'live' && found === 'documented' ? this.#liveName() : found,
      );
      this.#detected = detected;
      // Do not cache a failure: the server may be up at the next call.
      detected.catch(() => {
        if (this.#detected === detected) this.#detected = undefined;
      });
    }
    return this.#detected;
  }

  /** Runs an operation in its dialect. If a documented route is missing, tries the live one and remembers that. */
  async run<T>(operation: string, options: CallOptions, call: (dialect: CoordinatorDialect) => Promise<T>): Promise<T> {
    const name = this.#exceptions.get(operation) ?? (await this.name(options));
    try {
      return await call(this.#dialect(name));
    } catch (error) {
      const mayFallBack = this.#options.dialect === 'auto' && name === 'documented';
      if (!mayFallBack || !(error instanceof APIError) || !error.routeMissing) throw error;
      const live = this.#liveName();
      try {
        const result = await call(this.#dialect(live));
        this.#exceptions.set(operation, live);
        return result;
      } catch (second) {
        throw second instanceof UnsupportedOperationError ? second : error;
      }
    }
  }

  #liveName(): 'live-key' | 'live-jwt' {
    return this.#transport.hasLogin ? 'live-jwt' : 'live-key';
  }

  #dialect(name: DialectName): CoordinatorDialect {
    return name === 'documented'
      ? new DocumentedDialect(this.#transport)
      : new LiveDialect(name, this.#transport, this.#options, this.#deps);
  }
}
