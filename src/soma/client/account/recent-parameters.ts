import type { ClientContext } from '../context.js';
import type { SystemParameters } from '../decode/system-state.js';
import { getSystemParameters } from '../read/get-system-parameters.js';

/** Maximum age of cached parameters. */
const MAX_AGE_MS = 60_000;

/** Caches the network's parameters for a minute. */
export class RecentParameters {
  readonly #client: ClientContext;
  #known: { readonly value: Promise<SystemParameters>; readonly at: number } | undefined;

  constructor(client: ClientContext) {
    this.#client = client;
  }

  /**
   * Parameters older than a minute are read again in the background: they change slowly and only with the epoch, and a
   * submission must not wait for them.
   */
  read(): Promise<SystemParameters> {
    const known = this.#known;
    const now = this.#client.now();
    if (known !== undefined && now - known.at <= MAX_AGE_MS) return known.value;
    const value = getSystemParameters(this.#client);
    // Calls meanwhile share this read or use the known value.
    this.#known = { value: known?.value ?? value, at: now };
    value.then(
      () => {
        this.#known = { value, at: this.#client.now() };
      },
      () => {
        if (known === undefined) this.#known = undefined;
      },
    );
    return known?.value ?? value;
  }
}
