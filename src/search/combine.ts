import type { Draw } from './draw.js';
import type { Edit } from './moves.js';

/** An edit that was scored: what it did to the chunk's embedding, `[dim]`. */
export interface TriedEdit {
  readonly edit: Edit;
  readonly change: Float64Array;
}

/** Where edits are to lead: the embedding they start from and the target's, `[dim]`. */
export interface Aim {
  readonly from: Float64Array;
  readonly embedding: Float32Array;
}

/** Parts of an edit's places that are taken. */
const FRACTIONS = [1, 1 / 2, 1 / 4];
/** Edits together do a little less than each does alone. */
const TOGETHER = 0.8;
/** Less than this is not a gain in the cosine. */
const LEAST_GAIN = 1e-5;

/**
 * Edits of different places change an embedding by nearly the sum of what each changes: so those, or parts of them, are
 * put together that bring the sum closest, whether or not each helps alone. One that does not may cancel what another
 * does in passing.
 *
 * @param most edits, or shares of edits, at most
 * @returns the changed places; empty where nothing helps
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

/** The edit, and the share of its places, that brings the sum closest. */
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

/** Places where an edit still changes something, and nothing else did. */
function freePlaces(edit: Edit, bytes: Uint8Array, union: Edit): number[] {
  return [...edit].filter(([at, byte]) => bytes[at] !== byte && !union.has(at)).map(([at]) => at);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
