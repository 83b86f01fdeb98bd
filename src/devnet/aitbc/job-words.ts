import type { JobState } from './coordinator-book.js';

/** The document's word for each state; it has none for a job that ran out of time, which has failed. */
const WORDS: Readonly<Record<JobState, string>> = {
  QUEUED: 'submitted',
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELED: 'cancelled',
  EXPIRED: 'failed',
};

/** A job's state in the document's words. */
export function statusOf(job: { readonly state: JobState }): string {
  return WORDS[job.state];
}

/** A timestamp as the document writes it. */
export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
