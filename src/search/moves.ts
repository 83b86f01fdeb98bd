import { type Draw, drawSize } from './draw.js';
import { bytesFor, type Gains, positionsFor } from './gains.js';

/** New bytes by position. */
export type Edit = ReadonlyMap<number, number>;

/** Of several good bytes one is drawn, so that the same place is not tried the same way twice. */
const CHOICE = 3;

/** The best byte at each of the `count` positions that gain most. */
export function topPositions({ best, order }: Gains, count: number): Edit {
  return new Map(order.slice(0, count).map((i) => [i, best[i]!]));
}

/** The best bytes at random ones among the positions that gain most. */
export function scattered({ best, order }: Gains, draw: Draw, most: number): Edit {
  const count = drawSize(draw, 2, most);
  const among = order.slice(0, 3 * count);
  return new Map(Array.from({ length: count }, () => among[draw(among.length)]!).map((i) => [i, best[i]!]));
}

/** The best bytes in one stretch. */
export function stretch({ best, gain, bytes }: Gains, draw: Draw): Edit {
  return new Map(
    stretchOf(bytes.length, draw)
      .filter((i) => gain[i]! > 0)
      .map((i) => [i, best[i]!]),
  );
}

/** One stretch filled with a period of one to eight bytes, each the best, or nearly, for its places together. */
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

/** One byte, the best for the positions that gain most, in the places where it gains most. */
export function sprinkled(gains: Gains, draw: Draw): Edit {
  const count = drawSize(draw, 4, gains.bytes.length >> 1);
  const byte = bytesFor(gains, gains.order.slice(0, count))[draw(CHOICE)]!;
  return new Map(
    positionsFor(gains, byte)
      .slice(0, count)
      .map((i) => [i, byte]),
  );
}

/** A stretch of another chunk, in the place where it lies there. */
export function pasted(donor: Uint8Array, { bytes }: Gains, draw: Draw): Edit {
  const positions = stretchOf(Math.min(bytes.length, donor.length), draw);
  return new Map(positions.map((i) => [i, donor[i]!]));
}

/**
 * A chunk made of stretches of others, each as long as its share, from where it lies there. What a chunk's positions come
 * to is averaged as chunks are, so it scores about as those do when they are joined.
 *
 * @param parts chunks, the same one as often as it weighs
 * @param together puts those of the same chunk side by side
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
