import { LatestMap } from '../../collections/latest-map.js';

/** An answer is cached for this multiple of the time it took, times the number of active questions. */
const KEPT_TIMES = 100;
/** A question is active for this long after it was last asked, milliseconds. Pages ask every 30 seconds. */
const ASKED_MS = 60_000;
/** Minimum cache time of an answer, milliseconds. */
const KEPT_AT_LEAST_MS = 500;
/** Answers cached. */
const MAX_KEPT = 32;

interface Kept {
  readonly answer: Promise<unknown>;
  /** When it was last asked for. */
  askedAt: number;
  /** When it expires; infinite while it is being computed. */
  until: number;
}

/** An answer and the time it took to compute, milliseconds. */
export interface Costed<T> {
  readonly value: T;
  readonly tookMs: number;
}

/**
 * Caches answers long enough that computing them takes at most 1 % of the time, however often they are asked for.
 * Active questions share that budget equally, so that quick answers stay fresh next to slow ones.
 */
export class CostLimit {
  readonly #now: () => number;
  readonly #kept = new LatestMap<string, Kept>(MAX_KEPT);

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the cached answer to `question`, or computes it with `find`. Failures are not cached. */
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
