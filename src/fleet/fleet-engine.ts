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
import { QuarryError } from '../errors/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import { openSafetensors } from '../weights/safetensors.js';
import type { WeightsFile } from '../weights/weights-file.js';
import type { WeightsPacking } from '../weights/weights-packing.js';
import type { FleetConnection } from './connection.js';
import { Coordinator, type CoordinatorOptions, type FleetStats, neverWins } from './coordinator.js';
import type { Answer, PublishedModel } from './wire.js';

export interface FleetEngineOptions extends CoordinatorOptions {
  /** Share of the answers that is scored again here in f32, 0 to 1. */
  readonly verifyShare: number;
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

/** A fleet of scorers behind the contract of one engine. */
export class FleetEngine implements ScoringEngine {
  readonly name = 'fleet';
  readonly device: string;
  readonly precision: Precision;
  readonly #options: FleetEngineOptions;
  readonly #deps: FleetEngineDeps;
  readonly #coordinator: Coordinator;

  private constructor(options: FleetEngineOptions, deps: FleetEngineDeps, coordinator: Coordinator) {
    this.#options = options;
    this.#deps = deps;
    this.#coordinator = coordinator;
    this.device = `nats ${deps.fleet.prefix}`;
    this.precision = deps.local.precision;
  }

  /** Becomes the fleet's coordinator. There is one per fleet name. */
  static async open(options: FleetEngineOptions, deps: FleetEngineDeps): Promise<FleetEngine> {
    return new FleetEngine(options, deps, await Coordinator.open(deps.fleet, options));
  }

  get stats(): FleetStats {
    return this.#coordinator.stats;
  }

  packing(config: ModelConfig): WeightsPacking | undefined {
    return this.#deps.local.packing?.(config);
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when it is not said where scorers find the weights */
  async load(weights: WeightsFile, config: ModelConfig, options: LoadOptions = {}): Promise<LoadedModel> {
    const { published: manifest } = options;
    if (manifest === undefined) {
      throw new QuarryError('INVALID_ARGUMENT', 'scorers fetch weights themselves: a fleet needs their manifest');
    }
    const model: PublishedModel = { manifest, config };
    const here = new LocalModel(this.#deps.local, weights, config);
    await this.#coordinator.publishModel(model);
    let bound: ErrorBound = { loss: 0, distance: 0 };
    const note = (answer: Answer | undefined): void => {
      if (answer === undefined) return;
      bound = {
        loss: Math.max(bound.loss, answer.bound.loss),
        distance: Math.max(bound.distance, answer.bound.distance),
      };
    };
    // One byte tells that a scorer has the model, and how far its numbers err.
    const [probe] = await this.#coordinator.score(orderOf(model, options), [Uint8Array.of(0)]);
    note(probe);
    return {
      config,
      get errorBound() {
        return bound;
      },
      score: (samples, scoreOptions = {}) => this.#score(model, here, samples, scoreOptions, note),
      close: async () => {
        await this.#coordinator.withdrawModel(model).catch(() => {});
        await here.close();
      },
    };
  }

  async close(): Promise<void> {
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
    const remote = await Promise.all(
      answers.map(async (answer, i) => {
        note(answer);
        const sample = small[i];
        if (answer === undefined || sample === undefined) return neverWins(model.config.embeddingDim);
        return this.#isChecked() ? this.#check(here, sample, answer, options) : answer.score;
      }),
    );
    const scores: Score[] = [];
    for (const sample of samples) {
      const next = sample.length <= largestSample ? remote.shift() : scoredHere.shift();
      if (next !== undefined) scores.push(next);
    }
    return scores;
  }

  #isChecked(): boolean {
    return (this.#options.random ?? Math.random)() < this.#options.verifyShare;
  }

  /** Scores a sample again here. A scorer that is found wrong is not believed again; what it said is replaced. */
  async #check(here: LocalModel, sample: Uint8Array, answer: Answer, options: ScoreOptions): Promise<Score> {
    const [own] = await here.score([sample], { ...options, precision: 'f32' });
    if (own === undefined) return answer.score;
    const { score, bound, scorer } = answer;
    const lossError = Math.abs(own.loss - score.loss);
    const distanceError = Math.abs(cosineDistance(own.embedding, score.embedding));
    if (lossError <= bound.loss + SLACK.loss && distanceError <= bound.distance + SLACK.distance) return score;
    this.#coordinator.quarantine(scorer);
    this.#options.onWarning(
      new QuarryError('ENGINE_FAILED', `scorer ${scorer} is in quarantine: its score differs from this machine's`, {
        hint: 'what it answered before this check is in the store: quarry store gc, or a new --state-dir',
        details: { scorer, lossError, distanceError },
        retryable: false,
      }),
    );
    return own;
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

/** A model on this machine, loaded when it is first needed. */
class LocalModel {
  readonly #engine: ScoringEngine;
  readonly #path: string | undefined;
  readonly #checksum: string;
  readonly #config: ModelConfig;
  #model: Promise<LoadedModel> | undefined;

  constructor(engine: ScoringEngine, weights: WeightsFile, config: ModelConfig) {
    this.#engine = engine;
    this.#path = weights.path;
    this.#checksum = weights.checksum;
    this.#config = config;
  }

  async score(samples: readonly Uint8Array[], options: ScoreOptions): Promise<Score[]> {
    this.#model ??= this.#load();
    return (await this.#model).score(samples, options);
  }

  async close(): Promise<void> {
    await (await this.#model?.catch(() => undefined))?.close();
  }

  async #load(): Promise<LoadedModel> {
    if (this.#path === undefined) throw new QuarryError('INVALID_ARGUMENT', 'weights in memory cannot be checked');
    const weights = await openSafetensors(this.#path, { checksum: this.#checksum });
    try {
      return await this.#engine.load(weights, this.#config);
    } finally {
      await weights.close();
    }
  }
}
