/** Uniform integers below a bound, from a 32-bit xorshift. */
export type Draw = (below: number) => number;

/** A kind of structured chunk: fills `chunk` from random draws alone. */
export interface SyntheticFamily {
  readonly name: string;
  fill(chunk: Uint8Array, draw: Draw): void;
}

/** A generator of draws; the same seed gives the same draws anywhere. */
export function drawsOf(seed: number): Draw {
  let state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  // The first words of seeds that lie side by side resemble each other.
  for (let i = 0; i < 8; i++) next();
  return (below) => Math.floor((next() / 2 ** 32) * below);
}

function bytes(draw: Draw, count: number): number[] {
  return Array.from({ length: count }, () => draw(256));
}

/**
 * Random families by name: those that reached most targets by themselves, chunk for chunk, of eight that were measured.
 * Runs, ramps, random draws from small alphabets and plain noise reached fewer.
 */
export const FAMILIES: readonly SyntheticFamily[] = [
  {
    name: 'alternating',
    fill(chunk, draw) {
      const pair = bytes(draw, 2);
      for (let i = 0; i < chunk.length; i++) chunk[i] = pair[i % 2]!;
    },
  },
  {
    name: 'period',
    fill(chunk, draw) {
      const period = bytes(draw, 3 + draw(14));
      for (let i = 0; i < chunk.length; i++) chunk[i] = period[i % period.length]!;
    },
  },
  {
    name: 'halves',
    fill(chunk, draw) {
      const at = 1 + draw(chunk.length - 1);
      chunk.fill(draw(256), 0, at);
      chunk.fill(draw(256), at);
    },
  },
  {
    name: 'speckled',
    fill(chunk, draw) {
      const every = 2 << draw(5);
      const [ground, spot] = bytes(draw, 2);
      for (let i = 0; i < chunk.length; i++) chunk[i] = draw(every) === 0 ? spot! : ground!;
    },
  },
];
