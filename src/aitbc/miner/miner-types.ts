import type { ReceiptVerification } from '../receipts/index.js';

/** A job assigned by the coordinator, running from this moment. */
export interface MinerJob {
  readonly jobId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly constraints: Readonly<Record<string, unknown>>;
}

/** Result of a job. */
export interface MinerResult {
  readonly result: Readonly<Record<string, unknown>>;
  /** `duration_ms` is added when absent. */
  readonly metrics?: Readonly<Record<string, unknown>> | undefined;
}

/** Runs a job. Exceptions are reported to the coordinator as failures, with the error's `code` if it has one. */
export type JobHandler = (job: MinerJob, options: { readonly signal: AbortSignal }) => Promise<MinerResult>;

/** Stores receipts as received. */
export interface ReceiptStore {
  /** Stores a receipt under its job's id, unchanged. */
  put(jobId: string, receipt: string): Promise<void>;
}

/** Events of a miner. */
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
  /** A result that may or may not have arrived: it was sent, but there was no response. */
  | { readonly type: 'unknown'; readonly jobId: string; readonly error: Error }
  /** Something that failed and will be retried, such as a heartbeat or a poll. */
  | { readonly type: 'trouble'; readonly doing: string; readonly error: Error };

/** Totals of a run. */
export interface MinerTotals {
  readonly taken: number;
  readonly completed: number;
  readonly failed: number;
  /** Results sent without a response. */
  readonly unknown: number;
}
