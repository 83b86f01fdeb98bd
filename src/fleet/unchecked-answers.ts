import { blake2b256 } from '../native/blake2b.js';

/** Answers remembered of one scorer; with any share worth its name a check comes long before. */
const MOST = 20_000;
/** Answers remembered in all: who joins again and again under new ids makes no more be kept. */
const MOST_IN_ALL = 200_000;

/** An answer that was taken and not checked. */
export interface UncheckedAnswer {
  /** Identity of the weights. */
  readonly identity: string;
  /** BLAKE2b-256 of the sample. */
  readonly checksum: Uint8Array;
}

/** What each scorer said since its last good check: what is to be dropped when the next one is bad. */
export class UncheckedAnswers {
  /** In the order in which scorers were last heard of. */
  readonly #byScorer = new Map<string, UncheckedAnswer[]>();
  readonly #mostInAll: number;
  #count = 0;

  constructor(mostInAll: number = MOST_IN_ALL) {
    this.#mostInAll = mostInAll;
  }

  add(scorer: string, identity: string, sample: Uint8Array): void {
    const answers = this.#byScorer.get(scorer) ?? [];
    this.#byScorer.delete(scorer);
    this.#byScorer.set(scorer, answers);
    answers.push({ identity, checksum: blake2b256(sample) });
    this.#count++;
    if (answers.length > MOST) this.#forgetOldest(scorer, answers);
    const [silent] = this.#byScorer;
    if (this.#count > this.#mostInAll && silent !== undefined) this.#forgetOldest(...silent);
  }

  /** A check was good: what came before it stands. */
  clear(scorer: string): void {
    this.#count -= this.#byScorer.get(scorer)?.length ?? 0;
    this.#byScorer.delete(scorer);
  }

  /** Takes out what a scorer said, by weights. */
  take(scorer: string): Map<string, Uint8Array[]> {
    const answers = this.#byScorer.get(scorer) ?? [];
    this.clear(scorer);
    const checksums = new Map<string, Uint8Array[]>();
    for (const { identity, checksum } of answers) {
      const of = checksums.get(identity) ?? [];
      checksums.set(identity, of);
      of.push(checksum);
    }
    return checksums;
  }

  #forgetOldest(scorer: string, answers: UncheckedAnswer[]): void {
    answers.shift();
    this.#count--;
    if (answers.length === 0) this.#byScorer.delete(scorer);
  }
}
