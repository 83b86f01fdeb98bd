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
import { QuarryError, toQuarryError } from '../errors/index.js';
import { childSignal } from '../net/index.js';
import { type WeightsManifest, weightsIdentity } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsFile } from '../weights/weights-file.js';
import type { WeightsPacking } from '../weights/weights-packing.js';
import type { FleetConnection } from './connection.js';
import { Coordinator, type CoordinatorOptions, type FleetStats } from './coordinator.js';
import { FleetWatch } from './fleet-watch.js';
import { neverWins } from './left-out.js';
import { LocalModel, LocalModels } from './local-models.js';
import { FleetRows } from './rows/fleet-rows.js';
import { ScorerNode } from './scorer-node.js';
import { SharedWeights } from './shared-weights.js';
import { SpotChecks, type SpotChecksOptions } from './spot-checks.js';
import type { FleetStatus } from './status.js';
import { type Answer, KEEP_CONSUMER, keepSubject, type PublishedModel, readKept } from './wire.js';

export interface FleetEngineOptions extends CoordinatorOptions, SpotChecksOptions {
  /** Whether the local engine also pulls jobs, like any scorer. Default false. */
  readonly scoreHere?: boolean | undefined;
  /** Whether weights are uploaded to the server's object store, which saves scorers the download. Default false. */
  readonly shareWeights?: boolean | undefined;
  /** Poll interval of {@link FleetEngine.status}, milliseconds. Default 5 s. */
  readonly watchMs?: number | undefined;
}

export interface FleetEngineDeps {
  readonly fleet: FleetConnection;
  /**
   * Checks answers and scores samples too large for a message; loads models on first use. Closed with the fleet engine.
   */
  readonly local: ScoringEngine;
}

/** How long publishing a model waits for its weights to be uploaded; after that scorers download them, milliseconds. */
const SHARE_FIRST_MS = 30_000;

/** Batch limits of the local scorer. */
const HERE = { mostSamples: 128, batchMs: 500 };

/** A fleet of scorers as a single {@link ScoringEngine}. */
export class FleetEngine implements ScoringEngine {
  readonly name = 'fleet';
  readonly device: string;
  readonly precision: Precision;
  readonly #options: FleetEngineOptions;
  readonly #deps: FleetEngineDeps;
  readonly #coordinator: Coordinator;
  readonly #here = new LocalModels();
  readonly #checks: SpotChecks;
  readonly #watch: FleetWatch;
  readonly #shared: SharedWeights | undefined;
  readonly #stop = new AbortController();
  #rows: FleetRows | undefined;
  /** Ends with the scorer of this process, if there is one. */
  #scoring: Promise<void> | undefined;

  private constructor(
    options: FleetEngineOptions,
    deps: FleetEngineDeps,
    coordinator: Coordinator,
    shared: SharedWeights | undefined,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#coordinator = coordinator;
    this.#checks = new SpotChecks(options, { coordinator, here: this.#here });
    this.#watch = new FleetWatch(deps.fleet, options.watchMs);
    this.#shared = shared;
    this.device = `nats ${deps.fleet.prefix}`;
    this.precision = deps.local.precision;
  }

  /** Becomes the fleet's coordinator; a fleet has only one. */
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

  /** The fleet's status a few seconds ago; undefined if the server has not answered recently. */
  get status(): FleetStatus | undefined {
    return this.#watch.latest;
  }

  packing(config: ModelConfig): WeightsPacking | undefined {
    return this.#deps.local.packing?.(config);
  }

  /**
   * @throws QuarryError `INVALID_ARGUMENT` without `options.published`, which tells scorers where the weights are
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
    if (options.onWithdrawn !== undefined) this.#checks.onWithdrawn(weightsIdentity(manifest), options.onWithdrawn);
    const working = new Set<Promise<unknown>>();
    const close = async (): Promise<void> => {
      // Withdrawn, its queue is gone, and samples in it would wait in vain.
      await Promise.allSettled(working);
      await this.#coordinator.withdrawModel(model).catch(() => {});
      this.#here.remove(manifest);
      this.#shared?.forget(manifest);
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
      // A one-byte probe shows that some scorer has loaded the model, and its error bound.
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
      score: (samples, scoreOptions = {}) => {
        const scores = this.#score(model, here, samples, scoreOptions, note);
        const ended = scores.catch(() => {}).finally(() => working.delete(ended));
        working.add(ended);
        return scores;
      },
      confirm: async (sample, { signal } = {}) => {
        const [score] = await here.score([sample], { precision: 'f32', signal });
        if (score === undefined) throw new QuarryError('ENGINE_FAILED', 'the engine returned no score');
        return score;
      },
      close,
    };
  }

  /** Waits for the upload, up to a limit: scorers that learn of the model earlier would download it from its host. */
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
   * The rows kept by scorers, as a remote store.
   *
   * @param gatherMs how long a search waits for scorers
   * @param keepThere whether scorers score and keep new samples, instead of this machine
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
        check: (scorer, sample, models, scores) => this.#checks.checkKept(scorer, sample, models, scores),
      },
    );
    return this.#rows;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#watch.close();
    this.#rows?.close();
    this.#shared?.close();
    await this.#scoring;
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

  /** Scores from answers, after checking a share of them. Samples answered by a scorer found wrong are scored again. */
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
        if (answer === undefined || sample === undefined || !this.#checks.isDue(answer.scorer)) return undefined;
        return this.#checks.check(here, sample, answer, options);
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
      else this.#checks.relyOn(answer.scorer, weightsIdentity(model.manifest), sample);
    }
    if (unverified.length === 0) return scores;
    const again = unverified.flatMap((i) => samples[i] ?? []);
    const next = await this.#coordinator.score(orderOf(model, options), again);
    const better = await this.#judge(model, here, again, next, options, note);
    for (const [at, i] of unverified.entries()) scores[i] = better[at] ?? neverWins(model.config.embeddingDim);
    return scores;
  }

  /** Has a scorer score a sample under all models and keep it; one that cannot be scored is skipped with a warning. */
  async #keep(sample: Uint8Array, signal: AbortSignal): Promise<boolean> {
    if (sample.length > this.#coordinator.largestSample) return false;
    const subject = keepSubject(this.#deps.fleet.prefix);
    await this.#coordinator.queue({ subject, consumer: KEEP_CONSUMER, seed: 0n, read: readKept, signal }, [sample]);
    return true;
  }

  /** Runs the local engine as one more scorer. */
  #startScorer(): void {
    const { fleet } = this.#deps;
    const { onWarning } = this.#options;
    const label = (): string => `${this.#deps.local.name}, the coordinator's own`;
    const node = new ScorerNode({ ...HERE, label, onWarning }, { fleet, models: this.#here });
    this.#checks.trust(node.id);
    this.#scoring = node.run(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) onWarning(toQuarryError(error, "scoring on the coordinator's own engine"));
    });
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
