import { LatestMap } from '../../collections/latest-map.js';

/** An answer is kept this many times as long as it took, for each question that is being asked. */
const KEPT_TIMES = 100;
/** A question counts as being asked for so long, milliseconds: pages ask again every half a minute. */
const ASKED_MS = 60_000;
/** And at least this long, milliseconds. */
const KEPT_AT_LEAST_MS = 500;
/** Different questions whose answers are kept. */
const MAX_KEPT = 32;

interface Kept {
  readonly answer: Promise<unknown>;
  /** When it was asked for last. */
  askedAt: number;
  /** Until when; infinite while it is being found. */
  until: number;
}

/** An answer and the time that finding it took, milliseconds. */
export interface Costed<T> {
  readonly value: T;
  readonly tookMs: number;
}

/**
 * Keeps answers so long that finding them anew takes at most a hundredth of the time, however often they are asked for.
 * The questions share that equally: the quick ones stay fresh beside slow ones.
 */
export class CostLimit {
  readonly #now: () => number;
  readonly #kept = new LatestMap<string, Kept>(MAX_KEPT);

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The answer to `question`: a kept one, or what `find` finds. Failures are not kept. */
  run<T>(question: string, find: () => Promise<Costed<T>>): Promise<T> {
    const known = this.#kept.get(question);
    if (known !== undefined) known.askedAt = this.#now();
    if (known !== undefined && this.#now() < known.until) return known.answer as Promise<T>;
    const found = find();
    const answer = found.then(({ value }) => value);
    const kept: Kept = { answer, askedAt: this.#now(), until: Number.POSITIVE_INFINITY };
    this.#kept.set(question, kept);
    found.then(
      ({ tookMs }) => {
        const now = this.#now();
        const asked = [...this.#kept.values()].filter(({ askedAt }) => askedAt > now - ASKED_MS).length;
        kept.until = now + Math.max(KEPT_AT_LEAST_MS, tookMs * KEPT_TIMES * asked);
      },
      () => {
        kept.until = 0;
      },
    );
    return answer;
  }
}
