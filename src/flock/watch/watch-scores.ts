import type { Sleep } from '../../net/index.js';
import { hasReason } from '../errors.js';
import type { Submissions } from '../submissions.js';
import type { WalletSubmission } from '../types.js';

/** How scores are followed. */
export interface WatchScoresOptions {
  /** Between two looks. Default 60 s. */
  readonly intervalMs?: number;
  /** Report the scores present at the first look too. Default false. */
  readonly emitExisting?: boolean;
  readonly signal?: AbortSignal;
}

/** A submission that appeared, or a score that arrived or changed. */
export type ScoreEvent =
  | { readonly event: 'submission-added'; readonly link: string; readonly submitted_at: string }
  | {
      readonly event: 'phase-score' | 'final-score';
      readonly link: string;
      readonly submitted_at: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  | { readonly event: 'degraded'; readonly failures: number; readonly reason: string };

/** What {@link watchScores} works with. */
export interface WatchScoresDeps {
  readonly submissions: Submissions;
  readonly sleep: Sleep;
  readonly random: () => number;
}

/** Follows the scores of the caller's submissions to a task until the signal fires. */
export async function* watchScores(
  taskId: number,
  options: WatchScoresOptions,
  deps: WatchScoresDeps,
): AsyncGenerator<ScoreEvent, void, undefined> {
  const { signal } = options;
  const call = signal === undefined ? {} : { signal };
  const seen = new Map<string, WalletSubmission>();
  let baseline = !options.emitExisting;
  let failures = 0;
  while (!signal?.aborted) {
    try {
      const rows: WalletSubmission[] = [];
      for await (const row of deps.submissions.all(taskId, call)) rows.push(row);
      failures = 0;
      for (const row of rows) {
        const key = `${row.link}\n${row.submitted_at}`;
        const before = seen.get(key);
        seen.set(key, row);
        if (baseline) continue;
        const { link, submitted_at } = row;
        if (before === undefined) yield { event: 'submission-added', link, submitted_at };
        for (const [event, field] of [
          ['phase-score', 'submission_phase_score'],
          ['final-score', 'final_validation_score'],
        ] as const) {
          const from = before?.[field] ?? null;
          const to = row[field] ?? null;
          if (from !== to) yield { event, link, submitted_at, from, to };
        }
      }
      baseline = false;
    } catch (error) {
      if (signal?.aborted) return;
      // A refused key does not heal by waiting.
      if (hasReason(error, 'FLOCK_AUTH', 'FLOCK_CONFIG', 'FLOCK_VALIDATION')) throw error;
      failures++;
      if ((failures & (failures - 1)) === 0) {
        yield { event: 'degraded', failures, reason: error instanceof Error ? error.message : String(error) };
      }
    }
    const intervalMs = options.intervalMs ?? 60_000;
    const pause = Math.min(Math.max(900_000, intervalMs), intervalMs * 2 ** Math.min(failures, 10));
    try {
      await deps.sleep(pause * (0.95 + 0.1 * deps.random()), signal);
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
  }
}
