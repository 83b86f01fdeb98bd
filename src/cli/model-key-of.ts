import type { Model } from '../soma/client/decode/model.js';
import type { ModelKey } from '../store/index.js';
import { weightsKey } from '../weights/manifest.js';

/** The store's key for the scores of an active model; `undefined` for other models. */
export function modelKeyOf({ state, manifest, decryptionKey }: Model): ModelKey | undefined {
  if (state !== 'active' || manifest === undefined || decryptionKey === undefined) return undefined;
  const checksum = Buffer.from(manifest.checksum).toString('hex');
  return weightsKey({ checksum, decryptionKey });
}
