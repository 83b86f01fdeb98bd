import { blake2b256 } from '../native/blake2b.js';

/** Answers remembered of one scorer; with any share worth its name a check comes long before. */
const MOST = 20_000;

/** An answer that was taken and not checked. */
export interface UncheckedAnswer {
  /** Identity of the weights. */
  readonly identity: string;
  /** BLAKE2b-256 of the sample. */
  readonly checksum: Uint8Array;
}

/** What each scorer said since its last good check: what is to be dropped when the next one is bad. */
export class UncheckedAnswers {
  readonly #byScorer = new Map<string, UncheckedAnswer[]>();

  add(scorer: string, identity: string, sample: Uint8Array): void {
    const answers = this.#byScorer.get(scorer) ?? [];
    this.#byScorer.set(scorer, answers);
    answers.push({ identity, checksum: blake2b256(sample) });
    if (answers.length > MOST) answers.shift();
  }

  /** A check was good: what came before it stands. */
  clear(scorer: string): void {
    this.#byScorer.delete(scorer);
  }

  /** Takes out what a scorer said, by weights. */
  take(scorer: string): Map<string, Uint8Array[]> {
    const answers = this.#byScorer.get(scorer) ?? [];
    this.#byScorer.delete(scorer);
    const checksums = new Map<string, Uint8Array[]>();
    for (const { identity, checksum } of answers) {
      const of = checksums.get(identity) ?? [];
      checksums.set(identity, of);
      of.push(checksum);
    }
    return checksums;
  }
}
