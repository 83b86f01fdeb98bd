/** Number of most recent targets that count. */
const LATEST = 1_000;

/** Share of recently opened targets for which this miner found a hit. */
export class Reach {
  /** Whether a hit was found, by target; oldest first. */
  readonly #targets = new Map<string, boolean>();
  #answered = 0;

  /** From 0 to 1; `undefined` before the first target. */
  get share(): number | undefined {
    return this.#targets.size === 0 ? undefined : this.#answered / this.#targets.size;
  }

  /** Counts an opened target. */
  opened(targetId: string): void {
    if (this.#targets.has(targetId)) return;
    this.#targets.set(targetId, false);
    for (const [oldest, answered] of this.#targets) {
      if (this.#targets.size <= LATEST) break;
      this.#targets.delete(oldest);
      if (answered) this.#answered--;
    }
  }

  /** Counts a hit for a target, once. */
  answered(targetId: string): void {
    if (this.#targets.get(targetId) !== false) return;
    this.#targets.set(targetId, true);
    this.#answered++;
  }
}
