/** Marks remembered; who looked last before that looks at all rows again. */
const MOST = 1 << 20;

/** Samples in the order in which they got scores, so that a search need not look at all rows for what is new. */
export class RecentRows {
  #ids: number[] = [];
  #forgotten = 0;

  /** How many there were so far: what a later look begins at. */
  get mark(): number {
    return this.#forgotten + this.#ids.length;
  }

  add(ids: Iterable<number>): void {
    for (const id of ids) this.#ids.push(id);
    if (this.#ids.length <= 2 * MOST) return;
    this.#forgotten += this.#ids.length - MOST;
    this.#ids = this.#ids.slice(-MOST);
  }

  /** Those since a mark, each once; undefined when that is not remembered, or was never a mark. */
  since(mark: number): number[] | undefined {
    if (mark < this.#forgotten || mark > this.mark) return undefined;
    return [...new Set(this.#ids.slice(mark - this.#forgotten))];
  }
}
