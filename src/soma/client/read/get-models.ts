import { normaliseId, type ObjectId } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import type { Model } from '../decode/model.js';
import type { ModelManifest } from '../decode/model-manifest.js';
import { getSystemState } from './get-epoch.js';

/** All models of the registry. */
export async function getModels(client: ClientContext, options: CallOptions = {}): Promise<readonly Model[]> {
  return [...(await getSystemState(client, options)).models.values()];
}

/** The models that targets can name. */
export async function getActiveModels(client: ClientContext, options: CallOptions = {}): Promise<readonly Model[]> {
  return (await getModels(client, options)).filter((model) => model.state === 'active');
}

/** Anything with an ordered list of models, such as a target. */
export interface NamesModels {
  readonly modelIds?: readonly ObjectId[] | undefined;
}

/**
 * The manifests of models, one entry per id, in order. An entry is `undefined` if the model is unknown or has no
 * manifest, so that indices always match those of the target.
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

/** The manifest of a model, if it has one. */
export function manifestOfModel(model: Model | undefined): ModelManifest | undefined {
  if (model?.manifest === undefined) return undefined;
  return { modelId: model.id, ...model.manifest, decryptionKey: model.decryptionKey };
}
