import { QuarryError } from '../../errors/index.js';
import { createNativePool } from './native-pool.js';
import type { ComposePool } from './pool.js';
import { ReferencePool } from './reference-pool.js';

/** Creates a pool in the native core, or without it in TypeScript. */
export function createPool(dim: number, capacity: number): ComposePool {
  try {
    return createNativePool(dim, capacity);
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return new ReferencePool(dim, capacity);
    throw error;
  }
}
