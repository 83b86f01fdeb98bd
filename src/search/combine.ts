import type { Draw } from './draw.js';
import type { Edit } from './moves.js';

/** A scored edit and how it changed the chunk's embedding, `[dim]`. */
export interface TriedEdit {
  readonly edit: Edit;
  readonly change: Float64Array;
}

/** The embedding that edits start from and the target's, both `[dim]`. */
export interface Aim {
  readonly from: Float64Array;
  readonly embedding: Float32Array;
}

/** Fractions of an edit's positions to try. */
const FRACTIONS = [1, 1 / 2, 1 / 4];
/** Combined edits change the embedding a little less than the sum of their single effects. */
const TOGETHER = 0.8;
/** Minimum gain in cosine. */
const LEAST_GAIN = 1e-5;

/**
 * Greedily combines tried edits, or fractions of them. Edits of different positions change an embedding by nearly the
 * sum of their single effects, so each step takes the edit that brings the sum closest to the target. An edit that does
 * not help alone can still cancel a side effect of another.
 *
 * @param most maximum number of edits to combine
 * @returns the combined edit; empty if nothing helps
 */
export function combined(
  bytes: Uint8Array,
  tried: readonly TriedEdit[],
  { from, embedding }: Aim,
  draw: Draw,
  most: number,
): Edit {
  const union = new Map<number, number>();
  const sum = from.slice();
  for (let picked = 0; picked < most; picked++) {
    const found = closest(tried, sum, embedding, (edit) => freePlaces(edit, bytes, union).length);
    if (found === undefined) break;
    const { edit, change } = found.tried;
    const places = freePlaces(edit, bytes, union);
    const count = Math.max(1, Math.round(found.share * edit.size));
    for (let i = 0; i < count && places.length > 0; i++) {
      const [at] = places.splice(draw(places.length), 1);
      union.set(at!, edit.get(at!)!);
    }
    const share = (TOGETHER * count) / edit.size;
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + share * change[i]!;
  }
  return union;
}

/** The edit, and the share of its positions, that brings the sum closest to the target. */
function closest(
  edits: readonly TriedEdit[],
  sum: Float64Array,
  embedding: Float32Array,
  freeIn: (edit: Edit) => number,
): { readonly tried: TriedEdit; readonly share: number } | undefined {
  const target = Math.sqrt(dot(embedding, embedding));
  const [along, square] = [dot(sum, embedding), dot(sum, sum)];
  let best = along / Math.sqrt(square) + LEAST_GAIN * target;
  let found: { tried: TriedEdit; share: number } | undefined;
  for (const tried of edits) {
    const free = freeIn(tried.edit) / tried.edit.size;
    const [gain, cross, own] = [dot(tried.change, embedding), dot(tried.change, sum), dot(tried.change, tried.change)];
    for (const fraction of FRACTIONS) {
      const share = free * fraction;
      const scale = TOGETHER * share;
      const closeness = (along + scale * gain) / Math.sqrt(square + 2 * scale * cross + scale ** 2 * own);
      if (!(share > 0 && closeness > best)) continue;
      best = closeness;
      found = { tried, share };
    }
  }
  return found;
}

/** Positions where an edit changes the byte and that no edit in `union` has taken. */
function freePlaces(edit: Edit, bytes: Uint8Array, union: Edit): number[] {
  return [...edit].filter(([at, byte]) => bytes[at] !== byte && !union.has(at)).map(([at]) => at);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
