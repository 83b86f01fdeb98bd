import type { Digest, ObjectRef } from '../../src/soma/chain/index.js';

/** The coins that one miner's calls name at this moment: no two transactions may name one at the same time. */
export class CoinsInFlight {
  readonly #named = new Map<string, { readonly digest: Digest; calls: number }>();

  /**
   * Notes that a call of a transaction begins.
   *
   * @returns what ends it, and the coins that another transaction in flight names
   */
  begin(digest: Digest, coins: readonly ObjectRef[]): { readonly end: () => void; readonly taken: readonly string[] } {
    const keys = coins.map(({ objectId, version }) => `${objectId}@${version}`);
    const taken = keys.filter((key) => (this.#named.get(key)?.digest ?? digest) !== digest);
    const own = keys.filter((key) => !taken.includes(key));
    for (const key of own) {
      const named = this.#named.get(key) ?? { digest, calls: 0 };
      named.calls++;
      this.#named.set(key, named);
    }
    const end = (): void => {
      for (const key of own) {
        const named = this.#named.get(key);
        if (named !== undefined && --named.calls === 0) this.#named.delete(key);
      }
    };
    return { end, taken };
  }
}
