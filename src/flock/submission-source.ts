import type { CallOptions } from './transport.js';
import type { WalletSubmission } from './types.js';

/** Where the caller's own submissions are read. */
export interface SubmissionSource {
  /** All submissions of the caller to a task, newest pages first, read as they are asked for. */
  all(taskId: number, call?: CallOptions): AsyncIterable<WalletSubmission>;
}
