import type { SubmissionSource } from '../submission-source.js';
import type { WalletSubmission } from '../types.js';
import { type DegradedEvent, type PollDeps, type PollOptions, poll } from './poll.js';

/** Options for watching scores. */
export interface WatchScoresOptions extends PollOptions {
  /** Also report the scores present at the first poll. Default false. */
  readonly emitExisting?: boolean | undefined;
}

/** A submission appeared, or a score arrived or changed. */
export type ScoreEvent =
  | { readonly event: 'submission-added'; readonly link: string; readonly submitted_at: string }
  | {
      readonly event: 'phase-score' | 'final-score';
      readonly link: string;
      readonly submitted_at: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  | DegradedEvent;

/** Dependencies of {@link watchScores}. */
export interface WatchScoresDeps extends PollDeps {
  readonly submissions: SubmissionSource;
}

/** Watches the scores of the caller's submissions to a task until the signal fires. */
export function watchScores(
  taskId: number,
  options: WatchScoresOptions,
  deps: WatchScoresDeps,
): AsyncGenerator<ScoreEvent, void, undefined> {
  const { signal } = options;
  const call = { signal };
  const seen = new Map<string, WalletSubmission>();
  let baseline = !options.emitExisting;
  const look = async (): Promise<ScoreEvent[]> => {
    const rows: WalletSubmission[] = [];
    for await (const row of deps.submissions.all(taskId, call)) rows.push(row);
    const events = rows.flatMap((row) => compare(row, seen));
    const first = baseline;
    baseline = false;
    return first ? [] : events;
  };
  return poll(look, options, deps);
}

/** Compares a row with its last known state, and remembers it. */
function compare(row: WalletSubmission, seen: Map<string, WalletSubmission>): ScoreEvent[] {
  const { link, submitted_at } = row;
  const key = `${link}\n${submitted_at}`;
  const before = seen.get(key);
  seen.set(key, row);
  const events: ScoreEvent[] = before === undefined ? [{ event: 'submission-added', link, submitted_at }] : [];
  for (const [event, field] of [
    ['phase-score', 'submission_phase_score'],
    ['final-score', 'final_validation_score'],
  ] as const) {
    const from = before?.[field] ?? null;
    const to = row[field] ?? null;
    if (from !== to) events.push({ event, link, submitted_at, from, to });
  }
  return events;
}
