/** Targets that count: those that opened last. */
const LATEST = 1_000;

/** Which share of the targets that opened lately this miner had an answer for. */
export class Reach {
  /** Target to whether it was answered, oldest first. */
  readonly #targets = new Map<string, boolean>();
  #answered = 0;

  /** Between 0 and 1; `undefined` before there was a target. */
  get share(): number | undefined {
    return this.#targets.size === 0 ? undefined : this.#answered / this.#targets.size;
  }

  /** A target has opened. */
  opened(targetId: string): void {
    if (this.#targets.has(targetId)) return;
    this.#targets.set(targetId, false);
    for (const [oldest, answered] of this.#targets) {
      if (this.#targets.size <= LATEST) break;
      this.#targets.delete(oldest);
      if (answered) this.#answered--;
    }
  }

  /** Something was found for a target. */
  answered(targetId: string): void {
    if (this.#targets.get(targetId) !== false) return;
    this.#targets.set(targetId, true);
    this.#answered++;
  }
}
