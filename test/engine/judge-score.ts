import { scoreError } from '../../src/engine/calibration/error-bound.js';
import type { ErrorBound, Precision, Score } from '../../src/engine/contract.js';
import type { Cell } from './conformance-table.js';

export type Numbers = Pick<Score, 'loss' | 'embedding'>;

/** Single precision over a few layers. */
const F32_TOLERANCE = 1e-5;

/**
 * Compares a score with what should have come out. A score in f32 must lie within the relative tolerance, one in a
 * narrower format within the bound that its model states. NaN and infinity must be where they are expected.
 */
export function judgeScore(
  got: Score,
  want: Numbers,
  rules: { readonly precision: Precision; readonly errorBound: ErrorBound; readonly tolerance?: number | undefined },
): Cell {
  const note = got.precision === rules.precision ? {} : { note: 'scored in f32 instead' };
  if (!sameGaps([got.loss, ...got.embedding], [want.loss, ...want.embedding])) {
    return { kind: 'ok', failed: true, note: 'NaN or infinity where it should not be, or none where it should be' };
  }
  const error = relativeError(got, want);
  if (error === undefined) return { kind: 'ok', ...note };
  if (got.precision === 'f32') {
    return { kind: 'error', error, ...note, failed: !(error <= (rules.tolerance ?? F32_TOLERANCE)) };
  }
  const { errorBound: bound } = rules;
  const off = scoreError(got, want);
  // Parts that are not finite are equal: they have no error.
  const within = (value: number, most: number): boolean => Number.isNaN(value) || value <= most;
  return { kind: 'error', error, failed: !(within(off.loss, bound.loss) && within(off.distance, bound.distance)) };
}

function sameGaps(got: readonly number[], want: readonly number[]): boolean {
  return (
    got.length === want.length &&
    got.every(
      (value, i) =>
        Number.isFinite(value) === Number.isFinite(want[i]) && (Number.isFinite(value) || Object.is(value, want[i])),
    )
  );
}

/** The larger of the errors of loss and embedding (as a vector), over what is finite. */
function relativeError(got: Numbers, want: Numbers): number | undefined {
  let difference = 0;
  let size = 0;
  for (const [i, x] of want.embedding.entries()) {
    if (!Number.isFinite(x)) continue;
    difference += (got.embedding[i]! - x) ** 2;
    size += x * x;
  }
  const errors: number[] = [];
  if (size > 0) errors.push(Math.sqrt(difference / size));
  if (Number.isFinite(want.loss)) errors.push(Math.abs(got.loss - want.loss) / Math.abs(want.loss));
  return errors.length === 0 ? undefined : Math.max(...errors);
}
