import type { WalletSubmission } from './types.js';

/** Columns of the submissions table, in order. */
export const SUBMISSION_COLUMNS = ['link', 'submission_phase_score', 'final_validation_score', 'submitted_at'] as const;

/** Whether higher or lower scores are better. Loss-type tasks use `lower`. */
export type BetterScore = 'higher' | 'lower';

/** Scores with which FLock's validators mark a model as invalid: over the size limit or broken. */
const INVALID_SCORES: ReadonlySet<number> = new Set([999, -999]);

/** Whether `score` marks an invalid model and is not a result. */
export function isInvalidScore(score: number | null | undefined): boolean {
  return score !== null && score !== undefined && INVALID_SCORES.has(score);
}

/**
 * The best submission per link: sorted by `submission_phase_score`, nulls last, ties and nulls in their original order,
 * later rows with the same link dropped. `higher` is flocky's rule; the service does not publish which direction it
 * uses itself.
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
      // With `lower`, the invalid marker -999 would win, so sort markers behind real scores.
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
