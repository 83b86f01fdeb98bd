import { join } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import type { History, HistoryBy, VitalsHistory } from '../../telemetry/api/api-types.js';
import { latencyHistogram } from '../../telemetry/latency-histogram.js';
import { readVitals } from '../../telemetry/vitals.js';
import { STATE_ENTRIES } from '../state/state-entries.js';
import { aggregateSubmissions } from './aggregate-submissions.js';
import type { Costed } from './cost-limit.js';
import { type JournalHistory, openJournalHistory, type PastSubmission } from './journal-history.js';

/** A read from a state directory, run in a worker thread. */
export type StateTask = { readonly dir: string } & (
  | { readonly kind: 'history'; readonly by: HistoryBy; readonly limit: number }
  | { readonly kind: 'submissions'; readonly limit: number }
  | { readonly kind: 'has'; readonly targetId: string }
  | { readonly kind: 'vitals'; readonly sinceMs: number }
);

/** Result type of each task. */
export interface StateAnswers {
  readonly history: History;
  readonly submissions: readonly PastSubmission[];
  readonly has: boolean;
  readonly vitals: VitalsHistory;
}

/** Submissions read for one history at most; more would take seconds. */
const MAX_ROWS = 100_000;

const journals = new Map<string, JournalHistory>();

/** Runs a task. The journal stays open in its thread. */
export function runStateTask(task: StateTask): Costed<StateAnswers[StateTask['kind']]> {
  const began = performance.now();
  const value = answerTo(task);
  return { value, tookMs: performance.now() - began };
}

function answerTo(task: StateTask): StateAnswers[StateTask['kind']] {
  switch (task.kind) {
    case 'history':
      return aggregateSubmissions(journalOf(task.dir).latest(MAX_ROWS + 1), task.by, task.limit, MAX_ROWS);
    case 'submissions':
      return [...journalOf(task.dir).latest(task.limit)];
    case 'has':
      return journalOf(task.dir).has(task.targetId);
    case 'vitals':
      return vitalsOf(task.dir, task.sinceMs);
  }
}

function journalOf(dir: string): JournalHistory {
  const journal = journals.get(dir) ?? openJournalHistory(join(dir, STATE_ENTRIES.journal));
  journals.set(dir, journal);
  return journal;
}

/** Earlier versions recorded no vitals: returns an empty history if the file is missing. */
function vitalsOf(dir: string, sinceMs: number): VitalsHistory {
  try {
    return readVitals(join(dir, STATE_ENTRIES.vitals), sinceMs);
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'FILE_NOT_FOUND') throw error;
    return { points: [], wireLatency: latencyHistogram([]) };
  }
}
