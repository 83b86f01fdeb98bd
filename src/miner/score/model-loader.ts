import { QuarryError } from '../../errors/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { TaskGroup } from '../run/task-group.js';
import type { ModelCatalogue } from './model-catalogue.js';
import { waitingTargets } from './waiting-targets.js';

/** An active model and its loading state. */
export interface ModelStatus {
  readonly id: string;
  readonly sizeBytes: number;
  readonly state: 'waiting' | 'fetching' | 'ready' | 'failed';
}

export interface ModelLoaderDeps {
  readonly models: Pick<ModelCatalogue, 'active' | 'get' | 'isDue' | 'load' | 'loaded'>;
  readonly book: Pick<OpenTargets, 'demand' | 'size' | 'targets'>;
  readonly background: TaskGroup;
  readonly warn: (error: QuarryError) => void;
  /** Called when a model is ready to score. */
  readonly onReady: () => void;
  /** Called when a model is ready or has failed. */
  readonly onEnded: () => void;
}

/** Downloads and loads models in the background, starting with those that most open targets name. */
export class ModelLoader {
  readonly #deps: ModelLoaderDeps;
  readonly #loading = new Set<string>();

  constructor(deps: ModelLoaderDeps) {
    this.#deps = deps;
  }

  /** Whether a model is being loaded. */
  get busy(): boolean {
    return this.#loading.size > 0;
  }

  /** States of all active models. */
  get statuses(): readonly ModelStatus[] {
    const { models } = this.#deps;
    return models.active.map((model) => {
      const { id, manifest } = model;
      const isReady = models.loaded(model) !== undefined;
      const other = this.#loading.has(id) ? 'fetching' : models.isDue(model) ? 'waiting' : 'failed';
      return { id, sizeBytes: manifest.sizeBytes, state: isReady ? 'ready' : other };
    });
  }

  /** Starts loading every active model that is due and not already loading. */
  loadDue(signal: AbortSignal): void {
    const { models, book, background, onReady, onEnded } = this.#deps;
    const demand = book.demand();
    const due = models.active
      .filter((model) => !this.#loading.has(model.id) && models.isDue(model))
      .sort((a, b) => (demand.get(b.id) ?? 0) - (demand.get(a.id) ?? 0));
    for (const model of due) {
      this.#loading.add(model.id);
      const work = async (): Promise<void> => {
        try {
          if ((await models.load(model, signal)) !== undefined) onReady();
          else this.#sayWaiting(model.id);
        } finally {
          this.#loading.delete(model.id);
          onEnded();
        }
      };
      background.run(`loading model ${model.id}`, work());
    }
  }

  /** Warns how many targets a failed model blocks: it may be all of them. */
  #sayWaiting(modelId: string): void {
    const { book, models, warn } = this.#deps;
    const waiting = waitingTargets(book, models, modelId);
    if (waiting === 0) return;
    const message = `${waiting} of ${book.size} targets wait for model ${modelId}`;
    const hint = 'its weights could not be fetched or loaded; retries continue with growing pauses';
    warn(new QuarryError('NOT_FOUND', message, { hint, details: { modelId, waiting, openTargets: book.size } }));
  }
}
