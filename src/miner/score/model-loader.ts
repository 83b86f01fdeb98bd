import { QuarryError } from '../../errors/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { TaskGroup } from '../run/task-group.js';
import type { ModelCatalogue } from './model-catalogue.js';
import { waitingTargets } from './waiting-targets.js';

/** A model that targets may name, and whether it can score. */
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
  /** A model can score from now on. */
  readonly onReady: () => void;
  /** A model is ready or has failed. */
  readonly onEnded: () => void;
}

/** Fetches and loads models in the background, those that most open targets name first. */
export class ModelLoader {
  readonly #deps: ModelLoaderDeps;
  readonly #loading = new Set<string>();

  constructor(deps: ModelLoaderDeps) {
    this.#deps = deps;
  }

  /** Whether weights are on their way. */
  get busy(): boolean {
    return this.#loading.size > 0;
  }

  /** Every active model. */
  get statuses(): readonly ModelStatus[] {
    const { models } = this.#deps;
    return models.active.map((model) => {
      const { id, manifest } = model;
      const isReady = models.loaded(model) !== undefined;
      const other = this.#loading.has(id) ? 'fetching' : models.isDue(model) ? 'waiting' : 'failed';
      return { id, sizeBytes: manifest.sizeBytes, state: isReady ? 'ready' : other };
    });
  }

  /** Begins to load every active model that is neither loaded nor on its way, nor waits after a failure. */
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

  /** What a model that cannot be had costs: a miner may have a hundred open targets and be blind for all of them. */
  #sayWaiting(modelId: string): void {
    const { book, models, warn } = this.#deps;
    const waiting = waitingTargets(book, models, modelId);
    if (waiting === 0) return;
    const message = `${waiting} of ${book.size} targets wait for model ${modelId}`;
    const hint = 'its weights could not be fetched or loaded; retries continue with growing pauses';
    warn(new QuarryError('NOT_FOUND', message, { hint, details: { modelId, waiting, openTargets: book.size } }));
  }
}
