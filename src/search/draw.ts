import { ChaCha12 } from '../random/chacha12.js';

/** Returns a uniform random integer in `[0, below)`. */
export type Draw = (below: number) => number;

/** A {@link Draw} determined by the seed. */
export function drawsOf(seed: bigint): Draw {
  const random = ChaCha12.fromSeed(seed);
  return (below) => Math.floor((random.nextWord() / 2 ** 32) * below);
}

/** A log-uniform random integer from `least` to `most`. */
export function drawSize(draw: Draw, least: number, most: number): number {
  if (most <= least) return Math.max(1, most);
  return Math.round(least * (most / least) ** (draw(2 ** 20) / 2 ** 20));
}
