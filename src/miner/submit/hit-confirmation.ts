import { LatestMap } from '../../collections/latest-map.js';
import { cosineDistance, selectBest } from '../../engine/reference/index.js';
import { QuarryError } from '../../errors/index.js';
import type { Store } from '../../store/index.js';
import type { Candidate } from '../match/candidate.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';
import type { SpendingGuard } from './spending-guard.js';

/** Confirmations remembered, by sample and list of models. */
const MOST_REMEMBERED = 4_096;

export interface HitConfirmationOptions {
  /** Hits with a larger bond must be confirmed on this machine. */
  readonly aboveShannons: bigint;
}

export interface HitConfirmationDeps {
  readonly models: Pick<ModelCatalogue, 'get' | 'loaded'>;
  readonly store: Pick<Store, 'sample' | 'appendScores'>;
  readonly guard: Pick<SpendingGuard, 'bondOf'>;
}

/** Re-scores hits found by other machines in f32 on this one before a large bond is paid. */
export class HitConfirmation {
  readonly #options: HitConfirmationOptions;
  readonly #deps: HitConfirmationDeps;
  readonly #confirmed = new LatestMap<string, true>(MOST_REMEMBERED);

  constructor(options: HitConfirmationOptions, deps: HitConfirmationDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Confirms a candidate, if its bond is large and other machines scored it. The local scores replace those in the
   * store.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when the sample does not hit the target on this machine
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async assertHit(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { guard, models, store } = this.#deps;
    const { open, sampleId, sizeBytes, modelId } = candidate;
    if (guard.bondOf(sizeBytes) <= this.#options.aboveShannons) return;
    const { target } = open;
    const name = `${sampleId} ${target.modelIds.join(' ')}`;
    if (this.#confirmed.has(name)) return;
    const scores = [];
    for (const id of target.modelIds) {
      const model = models.get(id);
      const loaded = model === undefined ? undefined : models.loaded(model);
      // Engines without `confirm` score on this machine in the first place.
      if (model === undefined || loaded?.confirm === undefined) return;
      const score = await loaded.confirm(store.sample(sampleId).bytes, { signal });
      await store.appendScores(model.key, [{ sampleId, ...score }]);
      scores.push(score);
    }
    const winner = selectBest(scores.map(({ loss }) => loss));
    const best = winner === undefined ? undefined : scores[winner];
    const isHit =
      best !== undefined &&
      winner !== undefined &&
      target.modelIds[winner] === modelId &&
      cosineDistance(best.embedding, target.embedding) <= target.distanceThreshold;
    if (!isHit) {
      throw new QuarryError(
        'FAILED_PRECONDITION',
        `sample ${sampleId} does not win target ${target.id} on this machine`,
        {
          hint: 'a scorer claimed it: raise --verify-share, and see quarry fleet status',
          details: { sampleId, targetId: target.id },
        },
      );
    }
    this.#confirmed.set(name, true);
  }
}
