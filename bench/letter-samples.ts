import { seededRandom } from '../src/devnet/soma/seeded-random.js';

/**
 * Different samples of `size` bytes that are each made of one to three byte values, so that their embeddings point in
 * many directions: small models with random weights tell such samples apart best. The same for the same seed.
 */
export function letterSamples(count: number, size: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const data = Buffer.alloc(count * size);
  const seen = new Set<string>();
  while (seen.size < count) {
    const letters = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * 256));
    const sample = Buffer.from(Array.from({ length: size }, () => letters[Math.floor(random() * letters.length)]!));
    const name = sample.toString('latin1');
    if (seen.has(name)) continue;
    data.set(sample, seen.size * size);
    seen.add(name);
  }
  return data;
}
