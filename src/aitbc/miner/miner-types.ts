import type { ReceiptVerification } from '../receipts/index.js';

/** A job handed out by the coordinator; it is running from this moment. */
export interface MinerJob {
  readonly jobId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly constraints: Readonly<Record<string, unknown>>;
}

/** What a job came to. */
export interface MinerResult {
  readonly result: Readonly<Record<string, unknown>>;
  /** `duration_ms` is added when absent. */
  readonly metrics?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Executes a job. A throw is reported to the coordinator as a failure, with the error's `code` when it has one.
 */
export type JobHandler = (job: MinerJob, options: { readonly signal: AbortSignal }) => Promise<MinerResult>;

/** Keeps receipts, as the text received. */
export interface ReceiptStore {
  /** Keeps a receipt under its job's id, exactly as it came. */
  put(jobId: string, receipt: string): Promise<void>;
}

/** What happens while mining. */
export type MinerEvent =
  | { readonly type: 'registered' }
  | { readonly type: 'idle'; readonly nextPollMs: number }
  | { readonly type: 'job'; readonly jobId: string }
  | {
      readonly type: 'completed';
      readonly jobId: string;
      readonly durationMs: number;
      /** The receipt's text; undefined when the coordinator issues none. */
      readonly receipt: string | undefined;
      readonly verification: ReceiptVerification | undefined;
    }
  | { readonly type: 'failed'; readonly jobId: string; readonly code: string; readonly message: string }
  /** A result whose arrival is not known: it was sent, and no answer came. */
  | { readonly type: 'unknown'; readonly jobId: string; readonly error: Error }
  /** Something that will be tried again: a heartbeat, a poll. */
  | { readonly type: 'trouble'; readonly doing: string; readonly error: Error };

/** How many jobs of each kind a run saw. */
export interface MinerTotals {
  readonly taken: number;
  readonly completed: number;
  readonly failed: number;
  /** Results sent without an answer. */
  readonly unknown: number;
}
