import type { EventEmitter } from 'node:events';
import type { QuarryError } from '../../errors/index.js';

/** Outcome of a submission. */
export type SubmissionOutcome =
  | { readonly kind: 'accepted'; readonly feeShannons: bigint }
  /** Another submission filled the target first, or its epoch ended. */
  | { readonly kind: 'lost'; readonly reason: string; readonly feeShannons: bigint }
  /** The node or the chain refused it. A refusal before execution costs nothing. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly feeShannons: bigint }
  /** No answer arrived; settled by digest later. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Events of a miner. Payloads are plain data. */
export interface MinerEvents {
  /** `unsettled`: submissions of an earlier run whose outcome is still unknown. */
  started: [{ address: string; epoch: bigint; openTargets: number; models: number; unsettled: number }];
  model: [
    {
      modelId: string;
      state: 'fetching' | 'ready' | 'failed';
      sizeBytes: number;
      error?: QuarryError | undefined;
      note?: string | undefined;
    },
  ];
  download: [{ modelId: string; receivedBytes: number; sizeBytes: number }];
  scored: [{ samples: number; total: number }];
  hit: [{ targetId: string; distance: number; threshold: number; origin: string }];
  submitted: [
    {
      targetId: string;
      digest: string;
      /** From the moment the hit became possible until the submission was signed, right before sending. */
      latencyMs: number;
    },
  ];
  outcome: [
    {
      targetId: string;
      digest: string;
      outcome: SubmissionOutcome;
      /** From the moment the hit became possible, the later of target and score, to the answer. */
      latencyMs: number;
      distance: number;
      threshold: number;
      origin: string;
      /** The submitter's share of the target's reward. */
      rewardShannons: bigint;
    },
  ];
  /** No data has come from any fullnode for a while, or data arrives again. */
  fullnode: [{ state: 'lost'; reason: QuarryError } | { state: 'back'; lostMs: number }];
  /** The balance is too low for a submission, or is sufficient again. Scoring continues. */
  balance: [{ state: 'low' | 'restored'; balanceShannons: bigint; neededShannons: bigint }];
  /** A target was filled. `own`: this miner has a live submission for it, whose outcome may not be known yet. */
  filled: [{ targetId: string; own: boolean }];
  epoch: [{ epoch: bigint; openTargets: number }];
  /** Another process on this machine started or stopped scoring for this miner. */
  shared: [{ scorer: string; state: 'found' | 'gone' }];
  claimed: [{ targetId: string; receivedShannons: bigint; own: boolean }];
  /** A problem that does not stop the miner. */
  warning: [{ error: QuarryError }];
  paused: [{ reason: string }];
  resumed: [];
}

/** Event emitter of {@link MinerEvents}. */
export type MinerEmitter = EventEmitter<MinerEvents>;
