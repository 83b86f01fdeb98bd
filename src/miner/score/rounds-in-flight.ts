import { childSignal } from '../../net/index.js';

/** What a round was about. */
export interface Round {
  /** Samples of the round. */
  readonly ids: readonly number[];
  /** How many of them had no score under any model before. */
  readonly fresh: number;
}

interface EndedRound extends Round {
  readonly failure?: { readonly error: unknown } | undefined;
}

/**
 * Rounds that are being scored, each of which ends on its own: the samples of one are matched while others, given to
 * slower scorers, are still out.
 */
export class RoundsInFlight {
  readonly #samples = new Set<number>();
  readonly #working = new Set<Promise<void>>();
  #ended: EndedRound[] = [];
  #onEnded = (): void => {};
  #stop = new AbortController();

  /** How many samples are in flight, or have ended and were not taken yet. */
  get samples(): number {
    return this.#samples.size;
  }

  /** Whether {@link take} has something to return. */
  get haveEnded(): boolean {
    return this.#ended.length > 0;
  }

  has(sampleId: number): boolean {
    return this.#samples.has(sampleId);
  }

  /** Starts a round. Its signal also fires when rounds are abandoned. */
  start(round: Round, score: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): void {
    for (const id of round.ids) this.#samples.add(id);
    const linked = childSignal(this.#stop.signal, signal);
    const work = score(linked.signal)
      .then(
        () => this.#ended.push(round),
        (error: unknown) => this.#ended.push({ ...round, failure: { error } }),
      )
      .then(() => {
        linked.close();
        this.#working.delete(work);
        this.#onEnded();
      });
    this.#working.add(work);
  }

  /**
   * Waits until a round has ended and returns the samples of all that have. One caller at a time.
   *
   * @throws what the first of them threw; those that ended before and after it are returned by other calls
   */
  async take(): Promise<Round> {
    // Racing the rounds would leave a handler with the slowest each time.
    if (this.#ended.length === 0) await new Promise<void>((resolve) => (this.#onEnded = resolve));
    const [first] = this.#ended;
    const failed = this.#ended.findIndex(({ failure }) => failure !== undefined);
    const taken = this.#ended.splice(0, failed < 0 ? this.#ended.length : Math.max(1, failed));
    const ids = taken.flatMap((round) => round.ids);
    for (const id of ids) this.#samples.delete(id);
    if (first?.failure !== undefined) throw first.failure.error;
    return { ids, fresh: taken.reduce((sum, { fresh }) => sum + fresh, 0) };
  }

  /** Stops all rounds. What has been scored can still be taken; samples of the others are no longer in flight. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#working);
    this.#stop = new AbortController();
    const stopped = this.#ended.filter(({ failure }) => failure !== undefined);
    this.#ended = this.#ended.filter(({ failure }) => failure === undefined);
    for (const id of stopped.flatMap((round) => round.ids)) this.#samples.delete(id);
  }
}
