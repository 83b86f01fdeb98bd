import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type ModelKey, openStore, type Store, type StoreDeps, type StoreOptions } from '../../src/store/index.js';

/** A model key whose checksum is one digit repeated. */
export function model(digit: string): ModelKey {
  return { architecture: 'v1', checksum: digit.repeat(64) };
}

export const A: ModelKey = model('a');
export const B: ModelKey = model('b');

/** A small deterministic generator, uniform in [-1, 1). */
export function randomizer(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

export function randomVector(random: () => number, dim: number): Float32Array {
  return Float32Array.from({ length: dim }, random);
}

const open: Store[] = [];
const dirs: string[] = [];

/** A fresh directory, removed after the test. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'quarry-store-'));
  dirs.push(dir);
  return dir;
}

/** Opens a store that is closed after the test. */
export async function opened(options: Partial<StoreOptions> & { dir: string }, deps?: StoreDeps): Promise<Store> {
  const store = await openStore({ embeddingDim: 4, durability: 'process', ...options }, deps);
  open.push(store);
  return store;
}

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** Bytes that differ for every `n`. */
export function sampleBytes(n: number, length = 40): Uint8Array {
  return new TextEncoder().encode(`sample ${n} `.padEnd(length, '.'));
}
