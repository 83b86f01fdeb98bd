/** A map with bounded size that evicts the oldest entry. Setting an existing key makes it the newest. */
export class LatestMap<K, V> extends Map<K, V> {
  readonly #capacity: number;

  /** @param capacity maximum number of entries */
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
