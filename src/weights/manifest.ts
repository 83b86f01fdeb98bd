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
