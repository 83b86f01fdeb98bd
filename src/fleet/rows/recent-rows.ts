/** Entries remembered at least; a search from an older mark covers all rows. */
const MOST = 1 << 20;

/** Sample ids in the order they were scored, so that a search can cover only the new ones. */
export class RecentRows {
  #ids: number[] = [];
  #forgotten = 0;

  /** Entries ever added: where a later {@link since} starts. */
  get mark(): number {
    return this.#forgotten + this.#ids.length;
  }

  add(ids: Iterable<number>): void {
    for (const id of ids) this.#ids.push(id);
    if (this.#ids.length <= 2 * MOST) return;
    this.#forgotten += this.#ids.length - MOST;
    this.#ids = this.#ids.slice(-MOST);
  }

  /** Distinct ids added since a mark; undefined if the mark is forgotten or in the future. */
  since(mark: number): number[] | undefined {
    if (mark < this.#forgotten || mark > this.mark) return undefined;
    return [...new Set(this.#ids.slice(mark - this.#forgotten))];
  }
}
