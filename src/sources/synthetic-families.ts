/** Returns a uniform random integer in `[0, below)`, from a 32-bit xorshift generator. */
export type Draw = (below: number) => number;

/** A kind of structured chunk; `fill` uses only random draws. */
export interface SyntheticFamily {
  readonly name: string;
  fill(chunk: Uint8Array, draw: Draw): void;
}

/** Creates a generator of draws; the same seed always gives the same draws. */
export function drawsOf(seed: number): Draw {
  let state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  // Discard the first outputs, which are similar for adjacent seeds.
  for (let i = 0; i < 8; i++) next();
  return (below) => Math.floor((next() / 2 ** 32) * below);
}

function bytes(draw: Draw, count: number): number[] {
  return Array.from({ length: count }, () => draw(256));
}

/**
 * Random families by name: of eight measured, those whose chunks reached the most targets on their own. Runs, ramps,
 * random draws from small alphabets and plain noise reached fewer.
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
