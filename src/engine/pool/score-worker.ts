import { QuarryError, toQuarryError } from '../../errors/index.js';
import { openSafetensors } from '../../weights/safetensors.js';
import type { LoadedModel, ScoringEngine } from '../contract.js';
import { createScoringEngine, type EngineSpec } from '../engine-spec.js';
import type { ModelRef, ScoreTask, ScoreTaskResult, ScoreWorkerData, SerialisedError } from './score-task.js';

/** State of one worker: an engine, built on the first task, and its loaded models. */
export class ScoreWorker {
  readonly #data: ScoreWorkerData;
  #engine: Promise<ScoringEngine> | undefined;
  /** The running task; models are released only between tasks. */
  #busy: Promise<unknown> = Promise.resolve();
  readonly #models = new Map<string, Promise<LoadedModel>>();

  constructor(data: ScoreWorkerData) {
    this.#data = data;
  }

  /** Runs one task. Never throws: failures come back as `kind: 'error'`. */
  run(task: ScoreTask): Promise<ScoreTaskResult> {
    const result = this.#run(task);
    this.#busy = result;
    return result;
  }

  /** Closes a model after the running task. No-op if the model is not loaded. */
  async release(checksum: string): Promise<void> {
    await this.#busy;
    const model = this.#models.get(checksum);
    this.#models.delete(checksum);
    await (await model?.catch(() => undefined))?.close();
  }

  async #run(task: ScoreTask): Promise<ScoreTaskResult> {
    try {
      const model = await this.#load(task.model);
      if (task.kind === 'load') {
        const engine = await this.#engineOnce();
        const { name, device, precision } = engine;
        const note = model.note === undefined ? {} : { note: model.note };
        const hasGradient = model.byteGradient !== undefined;
        return { kind: 'loaded', name, device, precision, errorBound: model.errorBound, hasGradient, ...note };
      }
      if (task.kind === 'gradient') {
        if (model.byteGradient === undefined) throw noBackwardPass();
        return { kind: 'gradient', gradient: await model.byteGradient(task.sample, task.direction) };
      }
      if (task.kind === 'mixture') {
        if (model.mixtureGradient === undefined) throw noBackwardPass();
        return { kind: 'mixture', ...(await model.mixtureGradient(task.mixture, task.goal)) };
      }
      const scores = await model.score(task.samples, {
        seed: task.seed,
        precision: task.precision,
      });
      const dim = task.model.config.embeddingDim;
      const embeddings = new Float32Array(scores.length * dim);
      scores.forEach((score, i) => {
        embeddings.set(score.embedding, i * dim);
      });
      return {
        kind: 'scores',
        losses: Float64Array.from(scores, (score) => score.loss),
        embeddings,
        precisions: scores.map((score) => score.precision),
      };
    } catch (error) {
      return { kind: 'error', error: serialise(error) };
    }
  }

  #engineOnce(): Promise<ScoringEngine> {
    this.#engine ??= createScoringEngine(this.#spec());
    return this.#engine;
  }

  #spec(): EngineSpec {
    const { engine, devices, taken } = this.#data;
    if (devices === undefined || devices.length === 0) return engine;
    const turn = Atomics.add(new Int32Array(taken), 0, 1);
    return { ...engine, device: devices[turn % devices.length] };
  }

  async #load(ref: ModelRef): Promise<LoadedModel> {
    const known = this.#models.get(ref.checksum);
    if (known !== undefined) return known;
    const loading = this.#open(ref);
    this.#models.set(ref.checksum, loading);
    loading.catch(() => this.#models.delete(ref.checksum));
    return loading;
  }

  async #open(ref: ModelRef): Promise<LoadedModel> {
    const engine = await this.#engineOnce();
    const weights = await openSafetensors(ref.path, { checksum: ref.checksum });
    try {
      return await engine.load(weights, ref.config);
    } finally {
      await weights.close();
    }
  }
}

function noBackwardPass(): QuarryError {
  return new QuarryError('UNSUPPORTED', 'the engine has no backward pass');
}

function serialise(error: unknown): SerialisedError {
  const failure = toQuarryError(error, 'scoring');
  return {
    code: failure.code,
    message: failure.message,
    hint: failure.hint,
    details: Object.fromEntries(
      Object.entries(failure.details).flatMap(([key, value]) =>
        isPlain(value) ? [[key, typeof value === 'bigint' ? value.toString() : value]] : [],
      ),
    ),
    retryable: failure.retryable,
  };
}

function isPlain(value: unknown): value is string | number | boolean | bigint {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}
