import type { Draw } from './draw.js';
import type { GradientModel } from './gradient-model.js';
import { LossWeight } from './loss-weight.js';
import { Relaxation } from './relaxation.js';

/** Gradients of a step per competing model: together they cost as much as scoring the proposals of a step of edits. */
const CLIMBS_PER_MODEL = 4;
/** Steps in which a chunk is relaxed for each of several models, to see which of them it comes closest under. */
const TRIAL_STEPS = 4;
/** Steps of all chunks together: the trials', and those for the model that was closest. */
const STEPS = 20;

/**
 * Relaxes chunks towards a target: one for each model that may win it, then a slower one for the model whose chunk came
 * closest. Which model that is depends on the target, and known chunks do not tell it.
 */
export class RelaxedPhase {
  readonly #positions: number;
  readonly #draw: Draw;
  readonly #weights: readonly LossWeight[];
  readonly #closest: number[] = [];
  #relaxation: Relaxation | undefined;
  #steps = 0;

  /**
   * @param models that compete for the target
   * @param positions bytes of a chunk
   */
  constructor(models: number, positions: number, draw: Draw) {
    this.#positions = positions;
    this.#draw = draw;
    this.#weights = Array.from({ length: models }, () => new LossWeight(models > 1));
  }

  /** Whether all chunks have cooled. */
  get isOver(): boolean {
    return this.#steps >= this.#trials + this.#finals;
  }

  /** The model under which the current chunk should come close. */
  get aimed(): number {
    if (this.#steps < this.#trials) return Math.floor(this.#steps / TRIAL_STEPS);
    return Math.max(0, this.#closest.indexOf(Math.max(...this.#closest)));
  }

  /**
   * Takes a step: some gradients.
   *
   * @param models in the target's order
   * @param target `[dim]`
   * @returns what the chunk has come to; its score under every model is to be told to {@link judge}
   */
  async climb(models: readonly GradientModel[], target: Float32Array, signal?: AbortSignal): Promise<Uint8Array> {
    const climbs = CLIMBS_PER_MODEL * this.#weights.length;
    const { aimed } = this;
    this.#relaxation ??= new Relaxation(
      this.#positions,
      climbs * (this.#steps < this.#trials ? TRIAL_STEPS : this.#finals),
      this.#draw,
    );
    const relaxation = this.#relaxation;
    const lossWeight = this.#weights[aimed]!.value / Math.sqrt(target.length);
    for (let i = 0; i < climbs; i++) {
      const goal = { target, lossWeight };
      const { gradient } = await models[aimed]!.mixtureGradient(relaxation.mixture, goal, { signal });
      await relaxation.climb(gradient);
    }
    return relaxation.bytes();
  }

  /**
   * @param cosine of the chunk's embedding under the {@link aimed} model and the target's
   * @param lead of that model over the best of the others, nats, less the error bounds
   */
  judge(cosine: number, lead: number): void {
    const { aimed } = this;
    this.#weights[aimed]!.note(lead);
    if (this.#steps < this.#trials) this.#closest[aimed] = cosine;
    this.#steps++;
    const isTried = this.#steps <= this.#trials && this.#steps % TRIAL_STEPS === 0;
    if (isTried) this.#relaxation = undefined;
  }

  get #trials(): number {
    const models = this.#weights.length;
    return models > 1 ? models * TRIAL_STEPS : 0;
  }

  get #finals(): number {
    return Math.max(TRIAL_STEPS, STEPS - this.#trials);
  }
}
