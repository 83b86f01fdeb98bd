import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type ErrorCode, QuarryError, throwIfAborted } from '../../errors/index.js';
import { workerFile } from '../../threads/worker-file.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import type { WeightsPacking } from '../../weights/weights-packing.js';
import type {
  GradientOptions,
  LoadedModel,
  MixtureGoal,
  MixtureGradient,
  Precision,
  Score,
  ScoreOptions,
  ScoringEngine,
} from '../contract.js';
import type { EngineSpec } from '../engine-spec.js';
import type {
  ModelRef,
  ReleaseMessage,
  ScoreTask,
  ScoreTaskResult,
  ScoreWorkerData,
  SerialisedError,
} from './score-task.js';

export interface PooledEngineOptions {
  readonly engine: EngineSpec;
  /** Worker threads, each with its own engine. They share the pages of mapped weights. */
  readonly workers: number;
  /** Devices of the engine's provider, assigned to workers round-robin. */
  readonly devices?: readonly number[] | undefined;
  /** Samples per task. Default 4. */
  readonly samplesPerTask?: number | undefined;
  /** The workers' engine's {@link ScoringEngine.packing}. */
  readonly packing?: (config: ModelConfig) => WeightsPacking | undefined;
}

/** How long closing a model waits for workers to confirm that they released it. */
const RELEASE_LIMIT_MS = 5_000;

/** The users of one model. */
interface Users {
  /** Number of open {@link LoadedModel}s. */
  open: number;
  readonly tasks: Set<Promise<unknown>>;
}

/**
 * A scoring engine that runs another engine in worker threads, behind the same contract. Samples of one call are spread
 * over the workers; results are in order.
 */
export class PooledEngine implements ScoringEngine {
  readonly name: string;
  readonly device: string;
  readonly precision: Precision;
  readonly parallel: number;
  readonly #pool: Piscina;
  readonly #releases: BroadcastChannel;
  readonly #users = new Map<string, Users>();
  readonly #leaving = new Set<() => void>();
  #closed = false;
  readonly #samplesPerTask: number;
  readonly #packing: PooledEngineOptions['packing'];

  constructor(options: PooledEngineOptions) {
    this.name = options.engine.engine;
    this.device = `cpu x ${options.workers}`;
    this.precision = options.engine.precision ?? 'f32';
    this.parallel = options.workers;
    this.#samplesPerTask = options.samplesPerTask ?? 4;
    this.#packing = options.packing;
    const data: ScoreWorkerData = {
      engine: options.engine,
      devices: options.devices,
      taken: new SharedArrayBuffer(4),
      releases: `quarry-score-${randomUUID()}`,
    };
    this.#releases = new BroadcastChannel(data.releases);
    this.#releases.unref();
    this.#pool = new Piscina({
      filename: workerFile('score'),
      name: 'score',
      minThreads: options.workers,
      maxThreads: options.workers,
      workerData: data,
      // A worker that waits in Atomics.wait between tasks would not receive release messages.
      atomics: 'disabled',
    });
  }

  packing(config: ModelConfig): WeightsPacking | undefined {
    return this.#packing?.(config);
  }

  async load(
    weights: WeightsFile,
    config: ModelConfig,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<LoadedModel> {
    throwIfAborted(options.signal, 'loading a model');
    if (weights.path === undefined) {
      throw new QuarryError('INVALID_ARGUMENT', 'a worker pool loads weights from a file, not from memory');
    }
    const model: ModelRef = { path: weights.path, checksum: weights.checksum, config };
    const users = this.#users.get(model.checksum) ?? { open: 0, tasks: new Set() };
    this.#users.set(model.checksum, users);
    users.open++;
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= this.#leave(model.checksum, users);
      return closing;
    };
    try {
      const loaded = await this.#run({ kind: 'load', model });
      if (loaded.kind !== 'loaded') throw new QuarryError('INTERNAL', 'a worker answered the wrong task');
      const use = <T>(run: () => Promise<T>): Promise<T> => {
        if (closing !== undefined) return Promise.reject(new QuarryError('FAILED_PRECONDITION', 'the model is closed'));
        const task = run();
        users.tasks.add(task);
        const done = (): boolean => users.tasks.delete(task);
        task.then(done, done);
        return task;
      };
      return {
        config,
        errorBound: loaded.errorBound,
        note: loaded.note,
        score: (samples, scoreOptions = {}) => use(() => this.#score(model, samples, scoreOptions)),
        byteGradient: loaded.hasGradient
          ? (sample, direction, gradientOptions = {}) =>
              use(() => this.#gradient(model, sample, direction, gradientOptions))
          : undefined,
        mixtureGradient: loaded.hasGradient
          ? (mixture, goal, gradientOptions = {}) =>
              use(() => this.#mixtureGradient(model, mixture, goal, gradientOptions))
          : undefined,
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const done of [...this.#leaving]) done();
    this.#releases.close();
    await this.#pool.destroy();
  }

  /** When a model's last user closes it, waits for its tasks and has all workers release it. */
  async #leave(checksum: string, users: Users): Promise<void> {
    if (--users.open > 0) return;
    await Promise.allSettled(users.tasks);
    if (users.open > 0 || this.#users.get(checksum) !== users) return;
    this.#users.delete(checksum);
    if (this.#closed) return;
    let left = this.#pool.threads.length;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(limit);
        this.#releases.removeEventListener('message', hear);
        this.#leaving.delete(done);
        resolve();
      };
      const hear = (event: Event): void => {
        const { data } = event as unknown as { data: ReleaseMessage };
        if ('released' in data && data.released === checksum && --left <= 0) done();
      };
      const limit = setTimeout(done, RELEASE_LIMIT_MS);
      this.#leaving.add(done);
      this.#releases.addEventListener('message', hear);
      const message: ReleaseMessage = { release: checksum };
      this.#releases.postMessage(message);
    });
  }

  async #score(model: ModelRef, samples: readonly Uint8Array[], options: ScoreOptions): Promise<Score[]> {
    throwIfAborted(options.signal, 'scoring');
    const perTask = Math.max(1, Math.min(this.#samplesPerTask, Math.ceil(samples.length / this.parallel)));
    const tasks: Promise<Score[]>[] = [];
    for (let at = 0; at < samples.length; at += perTask) {
      const part = samples.slice(at, at + perTask);
      tasks.push(
        this.#run({
          kind: 'score',
          model,
          samples: part,
          seed: options.seed ?? 0n,
          precision: options.precision,
        }).then((result) => unpack(result, model.config.embeddingDim)),
      );
    }
    return (await Promise.all(tasks)).flat();
  }

  async #gradient(
    model: ModelRef,
    sample: Uint8Array,
    direction: Float32Array,
    { signal }: GradientOptions,
  ): Promise<Float32Array> {
    throwIfAborted(signal, 'computing a gradient');
    const result = await this.#run({ kind: 'gradient', model, sample, direction });
    if (result.kind !== 'gradient') throw new QuarryError('INTERNAL', 'a worker answered the wrong task');
    return result.gradient;
  }

  async #mixtureGradient(
    model: ModelRef,
    mixture: Float32Array,
    goal: MixtureGoal,
    { signal }: GradientOptions,
  ): Promise<MixtureGradient> {
    throwIfAborted(signal, 'computing a gradient');
    const result = await this.#run({ kind: 'mixture', model, mixture, goal });
    if (result.kind !== 'mixture') throw new QuarryError('INTERNAL', 'a worker answered the wrong task');
    const { gradient, cosine, crossEntropy } = result;
    return { gradient, cosine, crossEntropy };
  }

  async #run(task: ScoreTask): Promise<ScoreTaskResult> {
    const result = (await this.#pool.run(task, { name: 'score' })) as ScoreTaskResult;
    if (result.kind === 'error') throw revive(result.error);
    return result;
  }
}

function unpack(result: ScoreTaskResult, dim: number): Score[] {
  if (result.kind !== 'scores') throw new QuarryError('INTERNAL', 'a worker answered the wrong task');
  return Array.from(result.losses, (loss, i) => ({
    loss,
    embedding: result.embeddings.subarray(i * dim, (i + 1) * dim),
    precision: result.precisions[i] ?? 'f32',
  }));
}

function revive(error: SerialisedError): QuarryError {
  return new QuarryError(error.code as ErrorCode, error.message, {
    hint: error.hint,
    details: error.details,
    retryable: error.retryable,
  });
}
