import type { Model } from '../soma/client/decode/model.js';
import type { ModelKey } from '../store/index.js';
import { weightsIdentity } from '../weights/manifest.js';

/** Name of the architecture in the store's keys, as the miner writes them. */
const ARCHITECTURE = 'v1';

/** Under which key a store has the scores of an active model; `undefined` for others. */
export function modelKeyOf({ state, manifest, decryptionKey }: Model): ModelKey | undefined {
  if (state !== 'active' || manifest === undefined || decryptionKey === undefined) return undefined;
  const checksum = Buffer.from(manifest.checksum).toString('hex');
  return { architecture: ARCHITECTURE, checksum: weightsIdentity({ checksum, decryptionKey }) };
}
