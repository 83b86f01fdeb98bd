import { seededRandom } from '../src/devnet/soma/seeded-random.js';

/** Kilobytes that differ in what they are made of, so that their embeddings point in many directions. */
export function variedBytes(kilobytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const data = Buffer.alloc(kilobytes * 1024);
  for (let at = 0; at < data.length; ) {
    const [first, width] = [Math.floor(random() * 256), 4 + Math.floor(random() ** 3 * 252)];
    for (const end = at + 1024; at < end; at++) data[at] = first + Math.floor(random() * width);
  }
  return data;
}
