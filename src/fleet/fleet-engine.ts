import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ErrorBound,
  LoadedModel,
  LoadOptions,
  Precision,
  Score,
  ScoreOptions,
  ScoringEngine,
} from '../engine/contract.js';
import { cosineDistance } from '../engine/reference/index.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { childSignal } from '../http/index.js';
import { type WeightsManifest, weightsIdentity } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsFile } from '../weights/weights-file.js';
import type { WeightsPacking } from '../weights/weights-packing.js';
import type { FleetConnection } from './connection.js';
import { Coordinator, type CoordinatorOptions, type FleetStats, neverWins } from './coordinator.js';
import { LocalModel, LocalModels } from './local-models.js';
import { FleetRows } from './rows/fleet-rows.js';
import { ScorerNode } from './scorer-node.js';
import { SharedWeights } from './shared-weights.js';
import { UncheckedAnswers } from './unchecked-answers.js';
import { type Answer, KEEP_CONSUMER, keepSubject, MOST_BOUND, type PublishedModel, readKept } from './wire.js';

export interface FleetEngineOptions extends CoordinatorOptions {
  /** Share of the answers that is scored again here in f32, 0 to 1. */
  readonly verifyShare: number;
  /** Whether the engine of this machine takes work as scorers do. Default false. */
  readonly scoreHere?: boolean | undefined;
  /** Whether weights are put into the server's object store, so that scorers need not fetch them. Default false. */
  readonly shareWeights?: boolean | undefined;
  /** From 0 to 1, below the share: this answer is checked. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface FleetEngineDeps {
  readonly fleet: FleetConnection;
  /** Checks answers and scores what is too large to send; loads a model only then. Closed with the fleet's engine. */
  readonly local: ScoringEngine;
}

/** f32 of two machines differs in its last digits. */
const SLACK: ErrorBound = { loss: 1e-4, distance: 1e-4 };

/** How long scorers wait for weights that are being shared; after that they fetch them themselves, milliseconds. */
const SHARE_FIRST_MS = 30_000;

/** Batches of the scorer on this machine. */
const HERE = { mostSamples: 128, batchMs: 500 };

/** A fleet of scorers behind the contract of one engine. */
export class FleetEngine implements ScoringEngine {
  readonly name = 'fleet';
  readonly device: string;
  readonly precision: Precision;
  readonly #options: FleetEngineOptions;
  readonly #deps: FleetEngineDeps;
  readonly #coordinator: Coordinator;
  readonly #here = new LocalModels();
  readonly #unchecked = new UncheckedAnswers();
  readonly #shared: SharedWeights | undefined;
  /** Scorers of which a kept row was checked. */
  readonly #checkedKeepers = new Set<string>();
  /** Called with which of its scores are not to be trusted, by identity of the weights. */
  readonly #onWithdrawn = new Map<string, (checksums: readonly Uint8Array[]) => void>();
  readonly #stop = new AbortController();
  #rows: FleetRows | undefined;
  #scorer: { readonly id: string; readonly ended: Promise<void> } | undefined;

  private constructor(
    options: FleetEngineOptions,
    deps: FleetEngineDeps,
    coordinator: Coordinator,
    shared: SharedWeights | undefined,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#coordinator = coordinator;
    this.#shared = shared;
    this.device = `nats ${deps.fleet.prefix}`;
    this.precision = deps.local.precision;
  }

  /** Becomes the fleet's coordinator. There is one per fleet name. */
  static async open(options: FleetEngineOptions, deps: FleetEngineDeps): Promise<FleetEngine> {
    const shared = options.shareWeights ? new SharedWeights(deps.fleet, options.onWarning) : undefined;
    const coordinator = await Coordinator.open(deps.fleet, { ...options, onRestored: () => shared?.restore() });
    const engine = new FleetEngine(options, deps, coordinator, shared);
    if (options.scoreHere) engine.#startScorer();
    return engine;
  }

  get stats(): FleetStats {
    return this.#coordinator.stats;
  }

  packing(config: ModelConfig): WeightsPacking | undefined {
    return this.#deps.local.packing?.(config);
  }

  /**
   * @throws QuarryError `INVALID_ARGUMENT` when it is not said where scorers find the weights
   * @throws QuarryError `ENGINE_FAILED`, retryable, when no scorer could load the model
   */
  async load(weights: WeightsFile, config: ModelConfig, options: LoadOptions = {}): Promise<LoadedModel> {
    const { published: manifest } = options;
    if (manifest === undefined) {
      throw new QuarryError('INVALID_ARGUMENT', 'scorers fetch weights themselves: a fleet needs their manifest');
    }
    const model: PublishedModel = { manifest, config };
    const here = new LocalModel(this.#deps.local, weights, config);
    this.#here.add(manifest, here);
    if (options.onWithdrawn !== undefined) this.#onWithdrawn.set(weightsIdentity(manifest), options.onWithdrawn);
    const close = async (): Promise<void> => {
      await this.#coordinator.withdrawModel(model).catch(() => {});
      this.#here.remove(manifest);
      this.#shared?.forget(manifest);
      this.#onWithdrawn.delete(weightsIdentity(manifest));
      await here.close();
    };
    let bound: ErrorBound = { loss: 0, distance: 0 };
    const note = (answer: Answer | undefined): void => {
      if (answer === undefined) return;
      bound = {
        loss: Math.max(bound.loss, answer.bound.loss),
        distance: Math.max(bound.distance, answer.bound.distance),
      };
    };
    try {
      await this.#share(manifest, here.path, options.signal);
      await this.#coordinator.publishModel(model);
      // One byte tells that a scorer has the model, and how far its numbers err.
      const [probe] = await this.#coordinator.score(orderOf(model, options), [Uint8Array.of(0)]);
      if (probe === undefined) {
        throw new QuarryError('ENGINE_FAILED', 'no scorer could load the model', {
          hint: "see the logs of the fleet's scorers",
          retryable: true,
        });
      }
      note(probe);
    } catch (error) {
      await close();
      throw error;
    }
    return {
      config,
      get errorBound() {
        return bound;
      },
      score: (samples, scoreOptions = {}) => this.#score(model, here, samples, scoreOptions, note),
      confirm: async (sample, { signal } = {}) => {
        const [score] = await here.score([sample], { precision: 'f32', signal });
        if (score === undefined) throw new QuarryError('ENGINE_FAILED', 'the engine returned no score');
        return score;
      },
      close,
    };
  }

  /** Gives weights a while to be shared before scorers hear of the model: they would fetch it from its host. */
  async #share(manifest: WeightsManifest, path: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (path === undefined || this.#shared === undefined) return;
    const waiting = childSignal(signal);
    try {
      await Promise.race([
        this.#shared.put(manifest, path),
        sleep(SHARE_FIRST_MS, undefined, { signal: waiting.signal }),
      ]);
    } catch (error) {
      throw toQuarryError(error, 'sharing weights');
    } finally {
      waiting.close();
    }
  }

  /**
   * The rows that scorers keep, as a store elsewhere.
   *
   * @param gatherMs how long scorers are waited for
   * @param keepThere whether samples are scored and kept by scorers from now on, instead of here
   */
  async rows({ gatherMs, keepThere }: { readonly gatherMs: number; readonly keepThere: boolean }): Promise<FleetRows> {
    if (keepThere) await this.#coordinator.keepRows();
    const { fleet } = this.#deps;
    this.#rows = new FleetRows(
      {
        gatherMs,
        keep: keepThere ? (sample, signal) => this.#keep(sample, signal) : undefined,
        onWarning: this.#options.onWarning,
      },
      {
        fleet,
        isQuarantined: (scorer) => this.#coordinator.isQuarantined(scorer),
        check: (scorer, sample, models, scores) => this.#checkKept(scorer, sample, models, scores),
      },
    );
    return this.#rows;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#rows?.close();
    this.#shared?.close();
    await this.#scorer?.ended;
    await this.#coordinator.close();
    await this.#deps.local.close();
    await this.#deps.fleet.close();
  }

  async #score(
    model: PublishedModel,
    here: LocalModel,
    samples: readonly Uint8Array[],
    options: ScoreOptions,
    note: (answer: Answer | undefined) => void,
  ): Promise<Score[]> {
    if (samples.some((sample) => sample.length === 0)) throw new QuarryError('DATA_EMPTY', 'a sample of no bytes');
    const { largestSample } = this.#coordinator;
    const small = samples.filter((sample) => sample.length <= largestSample);
    const large = samples.filter((sample) => sample.length > largestSample);
    const [answers, scoredHere] = await Promise.all([
      this.#coordinator.score(orderOf(model, options), small),
      large.length === 0 ? [] : here.score(large, options),
    ]);
    const remote = await this.#judge(model, here, small, answers, options, note);
    const scores: Score[] = [];
    for (const sample of samples) {
      const next = sample.length <= largestSample ? remote.shift() : scoredHere.shift();
      if (next !== undefined) scores.push(next);
    }
    return scores;
  }

  /** The scores in answers, a share of them checked; what came from a scorer that is found wrong is asked for anew. */
  async #judge(
    model: PublishedModel,
    here: LocalModel,
    samples: readonly Uint8Array[],
    answers: readonly (Answer | undefined)[],
    options: ScoreOptions,
    note: (answer: Answer | undefined) => void,
  ): Promise<Score[]> {
    const scores: Score[] = [];
    const unverified: number[] = [];
    const checked = await Promise.all(
      answers.map((answer, i) => {
        const sample = samples[i];
        if (answer === undefined || sample === undefined || !this.#isChecked(answer.scorer)) return undefined;
        return this.#check(here, sample, answer, options);
      }),
    );
    for (const [i, answer] of answers.entries()) {
      note(answer);
      const verdict = checked[i];
      const own = verdict === 'good' ? undefined : verdict;
      scores.push(own ?? answer?.score ?? neverWins(model.config.embeddingDim));
      const sample = samples[i];
      if (answer === undefined || verdict !== undefined || sample === undefined) continue;
      if (this.#coordinator.isQuarantined(answer.scorer)) unverified.push(i);
      else if (this.#options.verifyShare > 0 && answer.scorer !== this.#scorer?.id) {
        this.#unchecked.add(answer.scorer, weightsIdentity(model.manifest), sample);
      }
    }
    if (unverified.length === 0) return scores;
    const again = unverified.flatMap((i) => samples[i] ?? []);
    const next = await this.#coordinator.score(orderOf(model, options), again);
    const better = await this.#judge(model, here, again, next, options, note);
    for (const [at, i] of unverified.entries()) scores[i] = better[at] ?? neverWins(model.config.embeddingDim);
    return scores;
  }

  /** Has scorers that keep rows score a sample under all models; a sample that none could score is left out, and said so. */
  async #keep(sample: Uint8Array, signal: AbortSignal): Promise<boolean> {
    if (sample.length > this.#coordinator.largestSample) return false;
    const subject = keepSubject(this.#deps.fleet.prefix);
    await this.#coordinator.queue({ subject, consumer: KEEP_CONSUMER, seed: 0n, read: readKept, signal }, [sample]);
    return true;
  }

  /**
   * Checks what a scorer says of a sample that it keeps: the first of each scorer, and of the later ones the share that
   * is verified. A scorer that keeps rows knows the targets: nothing else keeps it from naming whatever would hit.
   */
  async #checkKept(
    scorer: string,
    sample: Uint8Array,
    models: readonly { readonly checksum: string }[],
    scores: readonly Score[],
  ): Promise<boolean> {
    const isChecked = this.#isChecked(scorer) || (this.#options.verifyShare > 0 && !this.#checkedKeepers.has(scorer));
    for (const [i, { checksum }] of models.entries()) {
      const score = scores[i];
      const here = this.#here.get(checksum);
      if (score === undefined) return false;
      if (isChecked && here !== undefined) {
        // What bound its engine has is not said of each row: the widest that is believed.
        const verdict = await this.#check(here, sample, { score, scorer, bound: MOST_BOUND }, {});
        if (verdict !== 'good') return false;
        this.#checkedKeepers.add(scorer);
      } else if (this.#options.verifyShare > 0) this.#unchecked.add(scorer, checksum, sample);
    }
    return true;
  }

  #isChecked(scorer: string): boolean {
    if (scorer === this.#scorer?.id) return false;
    return (this.#options.random ?? Math.random)() < this.#options.verifyShare;
  }

  /**
   * Scores a sample again here. A scorer that is found wrong is not believed again, nor what it said since its last good
   * check.
   *
   * @returns this machine's score where the scorer's is wrong; undefined where none could be made
   */
  async #check(
    here: LocalModel,
    sample: Uint8Array,
    answer: Pick<Answer, 'score' | 'bound' | 'scorer'>,
    options: ScoreOptions,
  ): Promise<Score | 'good' | undefined> {
    const [own] = await here.score([sample], { ...options, precision: 'f32' });
    if (own === undefined) return undefined;
    const { score, bound, scorer } = answer;
    const lossError = Math.abs(own.loss - score.loss);
    const distanceError = Math.abs(cosineDistance(own.embedding, score.embedding));
    if (lossError <= bound.loss + SLACK.loss && distanceError <= bound.distance + SLACK.distance) {
      this.#unchecked.clear(scorer);
      return 'good';
    }
    const isNew = !this.#coordinator.isQuarantined(scorer);
    this.#coordinator.quarantine(scorer);
    if (isNew) this.#withdraw(scorer, lossError, distanceError);
    return own;
  }

  /** Has everything dropped that a scorer said since its last good check, and tells a person. */
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

  /** The engine of this machine as one scorer among the others. */
  #startScorer(): void {
    const { fleet } = this.#deps;
    const { onWarning } = this.#options;
    const label = (): string => `${this.#deps.local.name}, the coordinator's own`;
    const node = new ScorerNode({ ...HERE, label, onWarning }, { fleet, models: this.#here });
    const ended = node.run(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) onWarning(toQuarryError(error, "scoring on the coordinator's own engine"));
    });
    this.#scorer = { id: node.id, ended };
  }
}

function orderOf(model: PublishedModel, { seed, precision, signal }: ScoreOptions) {
  return {
    model,
    precision: precision ?? ('own' as const),
    seed: seed ?? 0n,
    signal,
  };
}
