import type { JobState } from './coordinator-book.js';

/** Documented status of each state; there is none for expired jobs, which count as failed. */
const WORDS: Readonly<Record<JobState, string>> = {
  QUEUED: 'submitted',
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELED: 'cancelled',
  EXPIRED: 'failed',
};

/** Documented status of a job. */
export function statusOf(job: { readonly state: JobState }): string {
  return WORDS[job.state];
}

/** Formats a timestamp as documented. */
export function iso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
