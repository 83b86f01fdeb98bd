import { blake2b256 } from '../native/blake2b.js';

/** Where bytes are published and what they must hash to. For weights: the encrypted bytes. */
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
 * What tells decrypted weights apart, 64 lowercase hex digits: checksum and key together. The checksum alone is not
 * enough: anyone may publish a model with another's encrypted file and a key of their own, which decrypts to noise.
 */
export function weightsIdentity(manifest: Pick<WeightsManifest, 'checksum' | 'decryptionKey'>): string {
  const parts = Buffer.concat([Buffer.from(manifest.checksum, 'hex'), manifest.decryptionKey]);
  return Buffer.from(blake2b256(parts)).toString('hex');
}

/** What scores under these weights are filed under: the only architecture there is, and {@link weightsIdentity}. */
export function weightsKey(manifest: Pick<WeightsManifest, 'checksum' | 'decryptionKey'>) {
  return { architecture: 'v1', checksum: weightsIdentity(manifest) } as const;
}
