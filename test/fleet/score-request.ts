import { manifestOf } from '../../src/soma/chain/index.js';
import type { Published } from './published-models.js';

/** A request to score data under all published models, which is served as `name` from now on. */
export function scoreRequest(published: Published, name: string, data: Uint8Array, targetEmbedding: Float32Array) {
  published.files.set(name, data);
  return {
    data: manifestOf(`${published.url}/${name}`, data),
    models: published.models.map(({ url, checksum, sizeBytes, decryptionKey }) => ({
      url,
      checksum: Buffer.from(checksum, 'hex'),
      size: BigInt(sizeBytes),
      decryptionKey,
    })),
    targetEmbedding,
  };
}
