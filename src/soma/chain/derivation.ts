import { blake2b256, type Digest, digestToBytes } from './digest.js';
import { idFromBytes, type ObjectId } from './id.js';

function hashOf(transaction: Digest, creationNumber: bigint | number): Uint8Array {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(creationNumber), true);
  return blake2b256(digestToBytes(transaction), number);
}

/**
 * Derives the id of the `creationNumber`th object created by a transaction: BLAKE2b-256 of the digest's 32 bytes and
 * the number as u64.
 */
export function deriveId(transaction: Digest, creationNumber: bigint | number): ObjectId {
  return idFromBytes(hashOf(transaction, creationNumber));
}

/** Derives the seed of a target's embedding: the first 8 bytes, little-endian, of the hash used by {@link deriveId}. */
export function makeTargetSeed(transaction: Digest, creationNumber: bigint | number): bigint {
  return new DataView(hashOf(transaction, creationNumber).buffer).getBigUint64(0, true);
}

/** Creation numbers of the objects that transactions create. SOMA protocol, object ids. */
export const CREATION_NUMBERS = {
  createModel: { model: 0, stakingPool: 1, stakedSoma: 2 },
  addStake: { stakedSoma: 0 },
  addStakeToModel: { stakedSoma: 0 },
  withdrawStake: { coin: 0 },
  submitData: { replacementTargetSeed: 1, replacementTarget: 2 },
} as const;
