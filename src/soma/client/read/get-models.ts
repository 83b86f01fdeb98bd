import { normaliseId, type ObjectId } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import type { Model } from '../decode/model.js';
import type { ModelManifest } from '../decode/model-manifest.js';
import { getSystemState } from './get-epoch.js';

/** All models of the registry. */
export async function getModels(client: ClientContext, options: CallOptions = {}): Promise<readonly Model[]> {
  return [...(await getSystemState(client, options)).models.values()];
}

/** The models that targets may name. */
export async function getActiveModels(client: ClientContext, options: CallOptions = {}): Promise<readonly Model[]> {
  return (await getModels(client, options)).filter((model) => model.state === 'active');
}

/** Something that names models in an order that matters: a target. */
export interface NamesModels {
  readonly modelIds?: readonly ObjectId[] | undefined;
}

/**
 * The manifests of models, one entry per id and in the order of the ids. An entry is `undefined` when the model is
 * unknown or has published nothing: indices always line up with those of the target.
 *
 * @param models ids, or a target
 */
export async function getModelManifests(
  client: ClientContext,
  models: readonly ObjectId[] | NamesModels,
  options: CallOptions = {},
): Promise<(ModelManifest | undefined)[]> {
  const ids = ((models as NamesModels).modelIds ?? (models as readonly ObjectId[])).map(normaliseId);
  const { models: registry } = await getSystemState(client, options);
  return ids.map((id) => manifestOfModel(registry.get(id)));
}

/** The manifest of a model, when it has published one. */
export function manifestOfModel(model: Model | undefined): ModelManifest | undefined {
  if (model?.manifest === undefined) return undefined;
  return { modelId: model.id, ...model.manifest, decryptionKey: model.decryptionKey };
}
