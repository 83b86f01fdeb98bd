/**
 * Index of the winning loss by the rule of the network's CPU backend (upstream `models/src/select_best.rs`): start at
 * element 0, move only to strictly smaller values. Ties go to the lower index; a NaN at index 0 wins, a NaN elsewhere
 * never does.
 *
 * @returns undefined if there are no losses
 */
export function selectBest(losses: ArrayLike<number>): number | undefined {
  if (losses.length === 0) return undefined;
  let best = 0;
  for (let i = 1; i < losses.length; i++) if (losses[i]! < losses[best]!) best = i;
  return best;
}

/**
 * `1 - sum (a_i / |a|) (b_i / |b|)` in f32, both vectors divided first; no epsilon, no clamping. NaN for a vector that
 * is zero or not finite. Upstream `models/src/cosine_distance.rs`.
 *
 * @param a `[dim]`
 * @param b `[dim]`
 */
export function cosineDistance(a: Float32Array, b: Float32Array): number {
  const normA = norm(a);
  const normB = norm(b);
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += Math.fround(a[i]! / normA) * Math.fround(b[i]! / normB);
  return Math.fround(1 - Math.fround(dot));
}

/** Euclidean length in f32: squares that overflow f32 make it infinite, squares that underflow make it zero. */
export function norm(vector: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.fround(Math.sqrt(Math.fround(squares)));
}

/** Auditors' tolerance on a claimed loss or distance: absolute, or relative to the larger magnitude. */
export const AUDIT_TOLERANCE = 0.01;

/**
 * Whether an auditor accepts a claimed loss or distance (`authority/src/audit_service.rs`, burn's permissive
 * tolerance): equal, both NaN, infinities of one sign, or closer than `max(0.01, 0.01 * max(|x|, |y|))`, in f32.
 */
export function withinAuditTolerance(computed: number, claimed: number): boolean {
  const x = Math.fround(computed);
  const y = Math.fround(claimed);
  if (x === y || (Number.isNaN(x) && Number.isNaN(y))) return true;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
  const relative = Math.fround(Math.fround(AUDIT_TOLERANCE) * Math.max(Math.abs(x), Math.abs(y)));
  return Math.abs(Math.fround(x - y)) < Math.max(Math.fround(AUDIT_TOLERANCE), relative);
}
