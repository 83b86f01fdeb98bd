import type { ClientContext } from '../context.js';
import type { SystemParameters } from '../decode/system-state.js';
import { getSystemParameters } from '../read/get-system-parameters.js';

/** How old the parameters may be before they are read again. */
const MAX_AGE_MS = 60_000;

/** The network's parameters, kept for a minute. */
export class RecentParameters {
  readonly #client: ClientContext;
  #known: { readonly value: Promise<SystemParameters>; readonly at: number } | undefined;

  constructor(client: ClientContext) {
    this.#client = client;
  }

  /**
   * Once they are a minute old, they are read again in the background: they change with the epoch and by little, and a
   * submission must not wait for them.
   */
  read(): Promise<SystemParameters> {
    const known = this.#known;
    const now = this.#client.now();
    if (known !== undefined && now - known.at <= MAX_AGE_MS) return known.value;
    const value = getSystemParameters(this.#client);
    // Calls meanwhile share this read, or keep what is known.
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
