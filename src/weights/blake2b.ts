import { blake2b } from '@noble/hashes/blake2.js';

/** An incremental BLAKE2b-256, unkeyed: the network's only hash. */
export interface Blake2b256 {
  update(bytes: Uint8Array): void;
  /** 32 bytes. The hasher is spent afterwards. */
  digest(): Uint8Array;
}

/** A fresh hasher. */
export function createBlake2b256(): Blake2b256 {
  const state = blake2b.create({ dkLen: 32 });
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => state.digest(),
  };
}

/** BLAKE2b-256 of a whole byte string, 32 bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  const hasher = createBlake2b256();
  hasher.update(bytes);
  return hasher.digest();
}
