import type { Manifest, ObjectId } from '../../chain/index.js';

/** Location of a model's encrypted weights, and the key once it is revealed. */
export interface ModelManifest extends Manifest {
  readonly modelId: ObjectId;
  /** 32 bytes; absent until the model is revealed. */
  readonly decryptionKey: Uint8Array | undefined;
}
