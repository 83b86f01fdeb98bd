import type { CallOptions } from './transport.js';
import type { WalletSubmission } from './types.js';

/** Source of the caller's own submissions. */
export interface SubmissionSource {
  /** All submissions of the caller to a task, newest pages first, fetched lazily. */
  all(taskId: number, call?: CallOptions): AsyncIterable<WalletSubmission>;
}
