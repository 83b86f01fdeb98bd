import type { OpenTargets } from '../feed/open-targets.js';
import type { ModelCatalogue } from './model-catalogue.js';

/**
 * Number of open targets that cannot be matched yet because a model they name is not loaded.
 *
 * @param modelId counts only those that name this model
 */
export function waitingTargets(
  book: Pick<OpenTargets, 'targets'>,
  models: Pick<ModelCatalogue, 'get' | 'loaded'>,
  modelId?: string,
): number {
  const isReady = (id: string): boolean => {
    const model = models.get(id);
    return model !== undefined && models.loaded(model) !== undefined;
  };
  let waiting = 0;
  for (const { modelIds } of book.targets()) {
    if (modelId === undefined ? !modelIds.every(isReady) : modelIds.includes(modelId)) waiting++;
  }
  return waiting;
}
