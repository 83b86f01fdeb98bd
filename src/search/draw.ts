import { ChaCha12 } from '../random/chacha12.js';

/** A uniform whole number from 0 up to, not including, `below`. */
export type Draw = (below: number) => number;

/** Draws that depend on the seed alone. */
export function drawsOf(seed: bigint): Draw {
  const random = ChaCha12.fromSeed(seed);
  return (below) => Math.floor((random.nextWord() / 2 ** 32) * below);
}

/** A whole number from `least` to `most`, small ones as likely as large ones: uniform in its logarithm. */
export function drawSize(draw: Draw, least: number, most: number): number {
  if (most <= least) return Math.max(1, most);
  return Math.round(least * (most / least) ** (draw(2 ** 20) / 2 ** 20));
}
