import { type Draw, drawSize } from './draw.js';
import { bytesFor, type Gains, positionsFor } from './gains.js';

/** New bytes by position. */
export type Edit = ReadonlyMap<number, number>;

/** Draws from the best few bytes, for variety between tries. */
const CHOICE = 3;

/** The best byte at each of the `count` positions with the largest gains. */
export function topPositions({ best, order }: Gains, count: number): Edit {
  return new Map(order.slice(0, count).map((i) => [i, best[i]!]));
}

/** The best bytes at random positions among those with the largest gains. */
export function scattered({ best, order }: Gains, draw: Draw, most: number): Edit {
  const count = drawSize(draw, 2, most);
  const among = order.slice(0, 3 * count);
  return new Map(Array.from({ length: count }, () => among[draw(among.length)]!).map((i) => [i, best[i]!]));
}

/** The best bytes within a random stretch. */
export function stretch({ best, gain, bytes }: Gains, draw: Draw): Edit {
  return new Map(
    stretchOf(bytes.length, draw)
      .filter((i) => gain[i]! > 0)
      .map((i) => [i, best[i]!]),
  );
}

/** A random stretch filled with a repeating pattern of 1 to 8 bytes, each among the best for its positions together. */
export function periodic(gains: Gains, draw: Draw): Edit {
  const positions = stretchOf(gains.bytes.length, draw);
  const period = Math.max(1, draw(16) - 7);
  const edit = new Map<number, number>();
  for (let phase = 0; phase < period; phase++) {
    const places = positions.filter((i) => i % period === phase);
    const byte = bytesFor(gains, places)[draw(CHOICE)]!;
    for (const i of places) edit.set(i, byte);
  }
  return edit;
}

/** One byte, good for the positions with the largest gains, at the positions where it gains most. */
export function sprinkled(gains: Gains, draw: Draw): Edit {
  const count = drawSize(draw, 4, gains.bytes.length >> 1);
  const byte = bytesFor(gains, gains.order.slice(0, count))[draw(CHOICE)]!;
  return new Map(
    positionsFor(gains, byte)
      .slice(0, count)
      .map((i) => [i, byte]),
  );
}

/** A random stretch copied from another chunk, at the same position. */
export function pasted(donor: Uint8Array, { bytes }: Gains, draw: Draw): Edit {
  const positions = stretchOf(Math.min(bytes.length, donor.length), draw);
  return new Map(positions.map((i) => [i, donor[i]!]));
}

/**
 * A chunk assembled from stretches of other chunks, copied at the same positions, each as long as its chunk's weight.
 * Positions within a chunk are averaged just as joined chunks are, so the blend scores about like the joined chunks.
 *
 * @param parts chunks, repeated according to weight
 * @param together puts stretches of the same chunk next to each other
 */
export function blend(parts: readonly Uint8Array[], length: number, draw: Draw, together: boolean): Uint8Array {
  const kinds = shuffled([...new Set(parts)], draw);
  const order = together ? kinds.flatMap((kind) => parts.filter((part) => part === kind)) : shuffled(parts, draw);
  return Uint8Array.from({ length }, (_, i) => {
    const part = order[Math.floor((i * order.length) / length)]!;
    return part[i % part.length]!;
  });
}

function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function stretchOf(length: number, draw: Draw): number[] {
  const count = Math.min(length, drawSize(draw, 4, length));
  const first = draw(length - count + 1);
  return Array.from({ length: count }, (_, i) => first + i);
}
