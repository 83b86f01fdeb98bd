/** A map of its newest entries: setting one more than it holds drops the oldest. An entry that is set again counts as new. */
export class LatestMap<K, V> extends Map<K, V> {
  readonly #capacity: number;

  /** @param capacity entries at most */
  constructor(capacity: number) {
    super();
    this.#capacity = capacity;
  }

  override set(key: K, value: V): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#capacity) this.delete(this.keys().next().value as K);
    return this;
  }
}
