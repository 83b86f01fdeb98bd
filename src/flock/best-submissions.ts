import type { WalletSubmission } from './types.js';

/** Columns of the submissions table, in order. */
export const SUBMISSION_COLUMNS = ['link', 'submission_phase_score', 'final_validation_score', 'submitted_at'] as const;

/** Whether a higher or a lower score is the better one. Loss-type tasks want `lower`. */
export type BetterScore = 'higher' | 'lower';

/** Scores that mean "this model is invalid" in FLock's validators: over the size limit or broken. */
const INVALID_SCORES: ReadonlySet<number> = new Set([999, -999]);

/** Whether `score` is a marker for an invalid model rather than a result. */
export function isInvalidScore(score: number | null | undefined): boolean {
  return score !== null && score !== undefined && INVALID_SCORES.has(score);
}

/**
 * The best-scored submission of each link: sorted by `submission_phase_score`, nulls last, ties and nulls in the order
 * they came, later rows with an already seen link dropped. `higher` is flocky's rule; the direction the service itself
 * uses is not published. An empty list gives an empty list.
 */
export function bestSubmissions(
  items: readonly WalletSubmission[],
  better: BetterScore = 'higher',
): Pick<WalletSubmission, (typeof SUBMISSION_COLUMNS)[number]>[] {
  const sign = better === 'higher' ? -1 : 1;
  const scored = items
    .map((item, index) => ({ item, index, score: item.submission_phase_score ?? null }))
    .sort((a, b) => {
      if (a.score === null || b.score === null) {
        return Number(a.score === null) - Number(b.score === null) || a.index - b.index;
      }
      // Under "lower", an invalid-model marker of -999 would win; markers go behind real scores then.
      if (better === 'lower') {
        const marked = Number(isInvalidScore(a.score)) - Number(isInvalidScore(b.score));
        if (marked !== 0) return marked;
      }
      return sign * (a.score - b.score) || a.index - b.index;
    });
  const seen = new Set<string>();
  const rows = [];
  for (const { item } of scored) {
    if (seen.has(item.link)) continue;
    seen.add(item.link);
    rows.push({
      link: item.link,
      submission_phase_score: item.submission_phase_score ?? null,
      final_validation_score: item.final_validation_score ?? null,
      submitted_at: item.submitted_at,
    });
  }
  return rows;
}
