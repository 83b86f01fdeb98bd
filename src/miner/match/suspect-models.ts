import { LatestMap } from '../../collections/latest-map.js';
import { QuarryError } from '../../errors/index.js';
import type { Store } from '../../store/index.js';
import { F32_LOSS_BOUND } from '../../store/loss-error-bound.js';
import type { OpenTarget } from '../feed/open-targets.js';
import type { MinerEmitter } from '../run/events.js';
import type { MatchModels } from './loss-bounds.js';

const MOST_REMEMBERED = 1_000;

export interface SuspectModelsDeps {
  readonly store: Store;
  readonly models: MatchModels;
  readonly emitter: MinerEmitter;
}

/**
 * Warns once about each model that makes targets unanswerable: copies of other models and models without finite losses.
 */
export class SuspectModels {
  readonly #deps: SuspectModelsDeps;
  readonly #said = new LatestMap<string, true>(MOST_REMEMBERED);
  /** Sample count at the last check, by list of models. */
  readonly #looked = new LatestMap<string, number>(MOST_REMEMBERED);

  constructor(deps: SuspectModelsDeps) {
    this.#deps = deps;
  }

  /** Checks the models that these targets name; again each time the store has doubled. */
  look(targets: readonly OpenTarget[]): void {
    const { store, models } = this.#deps;
    for (const { target } of targets) {
      const name = target.modelIds.join(' ');
      if (store.sampleCount < 2 * (this.#looked.get(name) ?? 1)) continue;
      this.#looked.set(name, store.sampleCount);
      const keys = models.keysOf(target.modelIds);
      if (keys === undefined) continue;
      const { lookAlikes, neverFinite } = store.suspects(keys, 2 * F32_LOSS_BOUND);
      for (const index of neverFinite) this.#sayBroken(target.modelIds[index] ?? '');
      for (const [a, b] of lookAlikes) this.#sayCopied(target.modelIds[a] ?? '', target.modelIds[b] ?? '');
    }
  }

  #sayBroken(modelId: string): void {
    this.#say(modelId, () => {
      return new QuarryError('NON_FINITE', `model ${modelId} never has a finite loss`, {
        hint: 'it never wins; targets that name it first cannot be answered',
        details: { modelId },
      });
    });
  }

  #sayCopied(one: string, other: string): void {
    const [modelId = '', copyId = ''] = [one, other].sort();
    if (modelId === copyId) return;
    this.#say(`${modelId} ${copyId}`, () => {
      return new QuarryError('CONFLICT', `models ${modelId} and ${copyId} give the same losses: one copies the other`, {
        hint: 'samples won by either are skipped, unless their scores agree to the last bit',
        details: { modelId, copyId },
      });
    });
  }

  #say(what: string, warning: () => QuarryError): void {
    if (this.#said.has(what)) return;
    this.#said.set(what, true);
    this.#deps.emitter.emit('warning', { error: warning() });
  }
}
