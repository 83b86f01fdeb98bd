import { QuarryError, throwIfAborted } from '../../errors/index.js';
import type { NativeAddon, NativeModel, NativePrecision, RawScore } from '../../native/addon.js';
import { runJob } from '../../native/run-job.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type {
  ErrorBound,
  GradientOptions,
  LoadedModel,
  MixtureGoal,
  MixtureGradient,
  Score,
  ScoreOptions,
} from '../contract.js';
import { assertDirection } from '../js/backward/byte-gradient.js';
import { assertMixture } from '../js/backward/mixture-gradient.js';

/**
 * Attention scores beyond this can be off by half a unit and more in bf16 (relative error of products of rounded inputs
 * up to 2^-8), which changes softmax weights noticeably.
 */
const LARGEST_BF16_ATTENTION = 256;
/**
 * Mean square: residuals with a root mean square of 10^4 would swallow what a layer adds. Trained models stay far
 * below.
 */
const LARGEST_BF16_ACTIVATION = 1e8;

/** Whether a bf16 score is unreliable: not finite, or with activations that are too large. NaN counts as too large. */
export function needsFullPrecision(score: RawScore): boolean {
  return !(
    Number.isFinite(score.loss) &&
    score.attention <= LARGEST_BF16_ATTENTION &&
    score.activation <= LARGEST_BF16_ACTIVATION &&
    score.embedding.every(Number.isFinite)
  );
}

/** Dependencies of {@link NativeLoadedModel}. */
export interface NativeModelParts {
  readonly core: NativeAddon;
  readonly model: NativeModel;
  readonly config: ModelConfig;
  readonly precision: NativePrecision;
  readonly errorBound: ErrorBound;
  readonly onClose: () => Promise<void>;
}

/** A model in the native core. Calls are serialised, since each uses all of the model's threads. */
export class NativeLoadedModel implements LoadedModel {
  readonly config: ModelConfig;
  readonly errorBound: ErrorBound;
  /** Default precision of scores. */
  readonly precision: NativePrecision;
  readonly #parts: NativeModelParts;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: NativeModelParts) {
    this.#parts = parts;
    this.config = parts.config;
    this.errorBound = parts.errorBound;
    this.precision = parts.precision;
  }

  score(samples: readonly Uint8Array[], options: ScoreOptions = {}): Promise<Score[]> {
    const run = this.#tail.then(() => this.#score(samples, options));
    this.#tail = run.catch(() => {});
    return run;
  }

  async #score(samples: readonly Uint8Array[], { seed = 0n, precision, signal }: ScoreOptions): Promise<Score[]> {
    throwIfAborted(signal, 'scoring');
    this.#assertUsable(samples);
    if (samples.length === 0) return [];
    const use = precision ?? this.precision;
    const raw = await this.#run(samples, seed, use, signal);
    const scores: Score[] = raw.map(({ loss, embedding }) => ({ loss, embedding, precision: use }));
    if (use === 'f32') return scores;
    const again = raw.flatMap((score, i) => (needsFullPrecision(score) ? [i] : []));
    if (again.length > 0) {
      const full = await this.#run(
        again.map((i) => samples[i]!),
        seed,
        'f32',
        signal,
      );
      for (const [k, i] of again.entries()) {
        scores[i] = { loss: full[k]!.loss, embedding: full[k]!.embedding, precision: 'f32' };
      }
    }
    return scores;
  }

  byteGradient(sample: Uint8Array, direction: Float32Array, { signal }: GradientOptions = {}): Promise<Float32Array> {
    const run = this.#tail.then(async () => {
      throwIfAborted(signal, 'computing a gradient');
      this.#assertUsable([sample]);
      assertDirection(direction, this.config);
      const { core, model } = this.#parts;
      return runJob(core.gradientOfModel(model, sample, direction, this.precision), 'computing a gradient', signal);
    });
    this.#tail = run.catch(() => {});
    return run;
  }

  mixtureGradient(
    mixture: Float32Array,
    goal: MixtureGoal,
    { signal }: GradientOptions = {},
  ): Promise<MixtureGradient> {
    const run = this.#tail.then(async () => {
      throwIfAborted(signal, 'computing a gradient');
      this.#assertUsable([]);
      assertMixture(mixture, goal, this.config);
      const { core, model } = this.#parts;
      const job = core.mixtureGradientOfModel(model, mixture, goal.target, goal.lossWeight, this.precision);
      return runJob(job, 'computing a gradient', signal);
    });
    this.#tail = run.catch(() => {});
    return run;
  }

  #assertUsable(samples: readonly Uint8Array[]): void {
    if (this.#closed) throw new QuarryError('INVALID_ARGUMENT', 'the model is closed');
    const empty = samples.findIndex((sample) => sample.byteLength === 0);
    if (empty < 0) return;
    throw new QuarryError('DATA_EMPTY', `sample ${empty} is empty`, {
      hint: 'Remove empty samples: the network does not score them.',
    });
  }

  #run(
    samples: readonly Uint8Array[],
    seed: bigint,
    precision: NativePrecision,
    signal: AbortSignal | undefined,
  ): Promise<RawScore[]> {
    const { core, model } = this.#parts;
    return runJob(core.scoreModel(model, samples, seed, precision), 'scoring', signal);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail;
    this.#parts.core.closeModel(this.#parts.model);
    await this.#parts.onClose();
  }
}
