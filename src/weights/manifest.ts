import { blake2b256 } from '../native/blake2b.js';

/** URL and checksum of published bytes; for weights, of the encrypted bytes. */
export interface DataManifest {
  readonly url: string;
  /** BLAKE2b-256 of the bytes the URL serves, 64 lowercase hex digits. */
  readonly checksum: string;
  readonly sizeBytes: number;
}

/** A model's published weights. */
export interface WeightsManifest extends DataManifest {
  /** AES-256 key, 32 bytes, once revealed on chain. */
  readonly decryptionKey: Uint8Array;
}

/**
 * Identity of decrypted weights, 64 lowercase hex digits: a hash of checksum and key. The checksum alone is not enough:
 * anyone can publish a model with someone else's encrypted file and their own key, which decrypts to noise.
 */
export function weightsIdentity(manifest: Pick<WeightsManifest, 'checksum' | 'decryptionKey'>): string {
  const parts = Buffer.concat([Buffer.from(manifest.checksum, 'hex'), manifest.decryptionKey]);
  return Buffer.from(blake2b256(parts)).toString('hex');
}

/** The store's key for these weights: the only architecture, and {@link weightsIdentity}. */
export function weightsKey(manifest: Pick<WeightsManifest, 'checksum' | 'decryptionKey'>) {
  return { architecture: 'v1', checksum: weightsIdentity(manifest) } as const;
}
