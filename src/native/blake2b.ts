import { blake2b } from '@noble/hashes/blake2.js';
import { QuarryError } from '../errors/index.js';
import { loadAddon, type NativeHasher } from './addon.js';
import type { IsaLevel } from './isa-level.js';

/** An incremental, unkeyed BLAKE2b-256, the network's only hash. */
export interface Blake2b256 {
  update(bytes: Uint8Array): void;
  /** Returns the 32-byte digest. The hasher must not be used afterwards. */
  digest(): Uint8Array;
}

/** An implementation of BLAKE2b-256. */
export interface Blake2bBackend {
  readonly name: string;
  create(): Blake2b256;
  /** Returns the 32-byte digest. */
  hash(bytes: Uint8Array): Uint8Array;
}

/** The TypeScript backend, about a tenth as fast as the native one. */
export function portableBlake2b(): Blake2bBackend {
  return {
    name: 'portable',
    create() {
      const state = blake2b.create({ dkLen: 32 });
      return { update: (bytes) => void state.update(bytes), digest: () => state.digest() };
    },
    hash: (bytes) => blake2b(bytes, { dkLen: 32 }),
  };
}

/**
 * The native core's backend.
 *
 * @param isa forces an instruction-set level; one the processor lacks falls back to plain code
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or does not load here
 */
export function nativeBlake2b(isa?: IsaLevel): Blake2bBackend {
  const core = loadAddon();
  const level = isa ?? core.capabilities().best;
  return {
    name: `native ${level}`,
    create() {
      let hasher: NativeHasher | undefined = core.blake2bCreate(level);
      return {
        update: (bytes) => core.blake2bUpdate(hasher!, bytes),
        digest() {
          const digest = core.blake2bDigest(hasher!);
          hasher = undefined;
          return digest;
        },
      };
    },
    hash: (bytes) => core.blake2b256(level, bytes),
  };
}

function chooseBackend(): Blake2bBackend {
  try {
    return nativeBlake2b();
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return portableBlake2b();
    throw error;
  }
}

/** Cached: finding the add-on on disk costs more than hashing a sample. */
let chosen: Blake2bBackend | undefined;

/** The fastest backend available on this machine. */
export function blake2bBackend(): Blake2bBackend {
  chosen ??= chooseBackend();
  return chosen;
}

/** Creates a hasher of the fastest backend. */
export function createBlake2b256(): Blake2b256 {
  return blake2bBackend().create();
}

/** BLAKE2b-256 of a byte array, 32 bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2bBackend().hash(bytes);
}
