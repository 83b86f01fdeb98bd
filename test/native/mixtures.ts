import { normalArray } from '../../src/engine/reference/index.js';

/** A distribution over byte values for each of `positions`, `[positions, 256]`. */
export function mixtureOf(positions: number, seed: bigint): Float32Array {
  const logits = normalArray(seed, positions * 256);
  for (let at = 0; at < logits.length; at += 256) {
    const row = logits.subarray(at, at + 256);
    const weights = row.map((logit) => Math.exp(2 * logit));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    row.set(weights.map((weight) => weight / sum));
  }
  return logits;
}

/** The mixture that is these bytes. */
export function oneHot(bytes: Uint8Array): Float32Array {
  const mixture = new Float32Array(bytes.length * 256);
  for (const [i, byte] of bytes.entries()) mixture[i * 256 + byte] = 1;
  return mixture;
}
