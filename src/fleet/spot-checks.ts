import { LatestMap } from '../collections/latest-map.js';
import type { ErrorBound, Score, ScoreOptions } from '../engine/contract.js';
import { cosineDistance } from '../engine/reference/index.js';
import { QuarryError } from '../errors/index.js';
import type { Coordinator } from './coordinator.js';
import type { LocalModel, LocalModels } from './local-models.js';
import { UncheckedAnswers } from './unchecked-answers.js';
import { type Answer, MOST_BOUND } from './wire.js';

export interface SpotChecksOptions {
  /** Share of answers checked by scoring the sample again locally in f32, 0 to 1. */
  readonly verifyShare: number;
  /** Returns 0 to 1; an answer is checked if it is below `verifyShare`. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called when a scorer is quarantined. */
  readonly onWarning: (error: QuarryError) => void;
}

export interface SpotChecksDeps {
  readonly coordinator: Pick<Coordinator, 'isQuarantined' | 'quarantine'>;
  /** Models that this machine can score with. */
  readonly here: Pick<LocalModels, 'get'>;
}

/** f32 results of two machines differ in their last digits. */
const SLACK: ErrorBound = { loss: 1e-4, distance: 1e-4 };

/** Models whose scores can be withdrawn after they were closed. */
const MOST_MODELS = 1_000;

/**
 * Checks a share of what scorers claim by scoring the sample again on this machine. A scorer that is wrong once is
 * quarantined, and its answers since its last good check are withdrawn.
 */
export class SpotChecks {
  readonly #options: SpotChecksOptions;
  readonly #deps: SpotChecksDeps;
  readonly #unchecked = new UncheckedAnswers();
  /** Scorers with at least one kept row that passed a check. */
  readonly #checkedKeepers = new Set<string>();
  /** Callbacks that take the checksums of samples whose scores are withdrawn, by weights identity. They outlive the model. */
  readonly #onWithdrawn = new LatestMap<string, (checksums: readonly Uint8Array[]) => void>(MOST_MODELS);
  #trusted: string | undefined;

  constructor(options: SpotChecksOptions, deps: SpotChecksDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Checks no answers of this scorer: it runs in this process. */
  trust(scorer: string): void {
    this.#trusted = scorer;
  }

  /** Sets the callback for withdrawn scores under these weights. */
  onWithdrawn(identity: string, take: (checksums: readonly Uint8Array[]) => void): void {
    this.#onWithdrawn.set(identity, take);
  }

  /** Whether to check an answer of this scorer; drawn for each answer. */
  isDue(scorer: string): boolean {
    if (scorer === this.#trusted) return false;
    return (this.#options.random ?? Math.random)() < this.#options.verifyShare;
  }

  /** Notes an answer that is relied on without a check, so that it can be withdrawn. */
  relyOn(scorer: string, identity: string, sample: Uint8Array): void {
    if (this.#options.verifyShare > 0 && scorer !== this.#trusted) this.#unchecked.add(scorer, identity, sample);
  }

  /**
   * Checks a scorer's claimed scores of a kept sample: always the first of each scorer, then a share of `verifyShare`.
   * A scorer that keeps rows sees the targets, so without checks it could claim embeddings that hit them.
   *
   * @returns false if a score is missing or wrong
   */
  async checkKept(
    scorer: string,
    sample: Uint8Array,
    models: readonly { readonly checksum: string }[],
    scores: readonly Score[],
  ): Promise<boolean> {
    const isDue = this.isDue(scorer) || (this.#options.verifyShare > 0 && !this.#checkedKeepers.has(scorer));
    for (const [i, { checksum }] of models.entries()) {
      const score = scores[i];
      const here = this.#deps.here.get(checksum);
      if (score === undefined) return false;
      if (isDue && here !== undefined) {
        // Rows do not carry their engine's error bound: allow the largest we accept.
        const verdict = await this.check(here, sample, { score, scorer, bound: MOST_BOUND }, {});
        if (verdict !== 'good') return false;
        this.#checkedKeepers.add(scorer);
      } else this.relyOn(scorer, checksum, sample);
    }
    return true;
  }

  /**
   * Scores a sample again locally in f32. If the scorer's score is wrong, quarantines the scorer and withdraws its
   * answers since its last good check.
   *
   * @returns `'good'`, or the local score if the scorer's is wrong; undefined if there is no local score
   */
  async check(
    here: LocalModel,
    sample: Uint8Array,
    { score, bound, scorer }: Pick<Answer, 'score' | 'bound' | 'scorer'>,
    options: ScoreOptions,
  ): Promise<Score | 'good' | undefined> {
    const { coordinator } = this.#deps;
    const [own] = await here.score([sample], { ...options, precision: 'f32' });
    if (own === undefined) return undefined;
    const lossError = Math.abs(own.loss - score.loss);
    const distanceError = Math.abs(cosineDistance(own.embedding, score.embedding));
    if (lossError <= bound.loss + SLACK.loss && distanceError <= bound.distance + SLACK.distance) {
      this.#unchecked.clear(scorer);
      return 'good';
    }
    const isNew = !coordinator.isQuarantined(scorer);
    coordinator.quarantine(scorer);
    if (isNew) this.#withdraw(scorer, lossError, distanceError);
    return own;
  }

  /** Withdraws a scorer's answers since its last good check, with a warning. */
  #withdraw(scorer: string, lossError: number, distanceError: number): void {
    const unverified = this.#unchecked.take(scorer);
    let dropped = 0;
    for (const [identity, checksums] of unverified) {
      dropped += checksums.length;
      this.#onWithdrawn.get(identity)?.(checksums);
    }
    this.#options.onWarning(
      new QuarryError('ENGINE_FAILED', `scorer ${scorer} is in quarantine: its score differs from this machine's`, {
        hint: `${dropped} scores since its last good check are dropped and computed again by others`,
        details: { scorer, lossError, distanceError, dropped },
        retryable: false,
      }),
    );
  }
}
