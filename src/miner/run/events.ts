import type { EventEmitter } from 'node:events';
import type { QuarryError } from '../../errors/index.js';

/** How a submission ended. */
export type SubmissionOutcome =
  | { readonly kind: 'accepted'; readonly feeShannons: bigint }
  /** Another submission filled the target first, or its epoch ended. */
  | { readonly kind: 'lost'; readonly reason: string; readonly feeShannons: bigint }
  /** The chain or the node refused it; what was refused before execution costs nothing. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly feeShannons: bigint }
  /** The answer never came; settled by digest later. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** What a miner tells its owner. Payloads are plain data. */
export interface MinerEvents {
  /** `unsettled`: submissions of an earlier run whose outcome is being found out. */
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
      /** From the moment the hit was possible to its signature, right before the wire. */
      latencyMs: number;
    },
  ];
  outcome: [
    {
      targetId: string;
      digest: string;
      outcome: SubmissionOutcome;
      /** From the moment the hit was possible, the later of target and score, to the answer. */
      latencyMs: number;
      distance: number;
      threshold: number;
      origin: string;
      /** The submitter's share of the target's reward. */
      rewardShannons: bigint;
    },
  ];
  /** Nothing has come from any fullnode for a while, or something came again. */
  fullnode: [{ state: 'lost'; reason: QuarryError } | { state: 'back'; lostMs: number }];
  /** The balance does not pay for a submission, or it does again. Scoring goes on meanwhile. */
  balance: [{ state: 'low' | 'restored'; balanceShannons: bigint; neededShannons: bigint }];
  /** A target is filled. `own`: by a submission of this miner, as far as it knows yet. */
  filled: [{ targetId: string; own: boolean }];
  epoch: [{ epoch: bigint; openTargets: number }];
  /** Another process of this machine scores for this miner, or does not any more. */
  shared: [{ scorer: string; state: 'found' | 'gone' }];
  claimed: [{ targetId: string; receivedShannons: bigint; own: boolean }];
  /** Something to look at; work goes on. */
  warning: [{ error: QuarryError }];
  paused: [{ reason: string }];
  resumed: [];
}

/** Node's event emitter with the names and arguments of {@link MinerEvents}. */
export type MinerEmitter = EventEmitter<MinerEvents>;
