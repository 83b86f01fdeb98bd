import { QuarryError } from '../../../errors/index.js';
import type { DownloadSource } from '../../../net/index.js';
import { normaliseId, type ObjectId } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import type { ModelManifest } from '../decode/model-manifest.js';
import { getModelManifests } from './get-models.js';
import { downloadVerified, streamVerified } from './verified-download.js';

export interface FetchModelOptions extends CallOptions {
  /** Maximum size kept in memory. Default 8 GiB; production weights are about 5 GB. */
  readonly maxBytes?: number | undefined;
  /** If already known, saves reading the registry. */
  readonly manifest?: ModelManifest | undefined;
}

async function manifestFor(client: ClientContext, id: ObjectId, options: FetchModelOptions): Promise<ModelManifest> {
  if (options.manifest !== undefined) return options.manifest;
  const [manifest] = await getModelManifests(client, [id], options);
  if (manifest === undefined) {
    throw new QuarryError('NOT_FOUND', `model ${id} is unknown or has published no weights`, {
      details: { modelId: id },
    });
  }
  return manifest;
}

/** Fullnode URLs that proxy the encrypted weights of a model, starting with the current fullnode. */
export function modelProxies(client: ClientContext, modelId: ObjectId): DownloadSource[] {
  return client.nodeSources(`/model/${normaliseId(modelId)}`);
}

/** Sources of the encrypted weights: their own URL, then the fullnodes' proxies. */
export function modelSources(client: ClientContext, manifest: ModelManifest): DownloadSource[] {
  return [{ http: client.manifestHttp, url: manifest.url }, ...modelProxies(client, manifest.modelId)];
}

/**
 * Downloads and verifies the encrypted weights of a model, from their own URL or through the fullnode.
 *
 * @throws QuarryError `NOT_FOUND` when the model is unknown or has no manifest
 * @throws QuarryError `CHECKSUM_MISMATCH` or `SIZE_MISMATCH` when no source has the bytes described by the manifest
 */
export async function fetchModel(
  client: ClientContext,
  modelId: ObjectId,
  options: FetchModelOptions = {},
): Promise<Uint8Array> {
  const manifest = await manifestFor(client, normaliseId(modelId), options);
  const maxBytes = options.maxBytes ?? 8 * 2 ** 30;
  return downloadVerified(modelSources(client, manifest), manifest, { maxBytes, signal: options.signal });
}

/**
 * Streams the encrypted weights of a model from their own URL, or from the fullnode if that is unreachable. The bytes
 * are verified once the stream has ended without an error.
 */
export async function* streamModel(
  client: ClientContext,
  modelId: ObjectId,
  options: FetchModelOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const manifest = await manifestFor(client, normaliseId(modelId), options);
  const sources = modelSources(client, manifest);
  for (const [index, source] of sources.entries()) {
    let begun = false;
    try {
      for await (const chunk of streamVerified(source, manifest, options.signal)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      // The reader already has bytes of this source, which another source cannot continue.
      if (begun || index === sources.length - 1 || options.signal?.aborted) throw error;
    }
  }
}
