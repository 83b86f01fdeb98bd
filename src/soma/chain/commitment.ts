import { encodeBcs } from './bcs/index.js';
import { blake2b256 } from './digest.js';
import { type SomaTensor, tensorCodec, vectorTensor } from './tensor.js';

/** BLAKE2b-256 of the 32 key bytes; checked by the chain at reveal. */
export function decryptionKeyCommitment(key: Uint8Array): Uint8Array {
  return blake2b256(key);
}

/**
 * BLAKE2b-256 of the embedding's BCS; checked by the chain at reveal.
 *
 * @param embedding a tensor, or the values of a vector
 */
export function embeddingCommitment(embedding: SomaTensor | Float32Array): Uint8Array {
  const tensor = embedding instanceof Float32Array ? vectorTensor(embedding) : embedding;
  return blake2b256(encodeBcs(tensorCodec, tensor));
}

/** BLAKE2b-256 of the encrypted weights, equal to the manifest's checksum; the chain never checks it. */
export function weightsCommitment(encryptedWeights: Uint8Array): Uint8Array {
  return blake2b256(encryptedWeights);
}
