import { blake2b256 } from '../native/blake2b.js';

/** Answers remembered per scorer; with any useful `verifyShare` a check comes long before this. */
const MOST = 20_000;
/** Answers remembered in total, which bounds memory when a scorer keeps rejoining under new ids. */
const MOST_IN_ALL = 200_000;

/** An answer accepted without a check. */
export interface UncheckedAnswer {
  /** Weights identity. */
  readonly identity: string;
  /** BLAKE2b-256 of the sample. */
  readonly checksum: Uint8Array;
}

/** Each scorer's answers since its last good check, to be withdrawn if the next check fails. */
export class UncheckedAnswers {
  /** By scorer, longest silent first. */
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

  /** After a good check: earlier answers stand. */
  clear(scorer: string): void {
    this.#count -= this.#byScorer.get(scorer)?.length ?? 0;
    this.#byScorer.delete(scorer);
  }

  /** Removes a scorer's answers and returns their sample checksums by weights identity. */
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
