import type * as api from '../telemetry/api/api-types.js';

export type Status = api.Wire<api.MinerStatus>;
export type History = api.Wire<api.History>;
export type HistoryBy = api.HistoryBy;
export type Vitals = api.Wire<api.VitalsHistory>;
export type Histogram = api.Wire<api.LatencyHistogram>;
export type Winner = api.Wire<api.Winner>;

/** A submission with its history, as in `quarry why --json`. */
export interface Submission {
  readonly targetId: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly rewardShannons: string;
  readonly poolShannons: string;
  readonly bondShannons: string;
  readonly feeShannons?: string;
  readonly latencyMs: number | null;
  readonly at: string;
  readonly seenAt?: string;
  readonly node?: string;
  readonly settledAt?: string;
  readonly epoch: string;
  readonly modelId: string;
  readonly origin?: string;
  readonly distance?: number;
  readonly threshold?: number;
  readonly checksum: string;
  readonly digest: string;
  readonly claim?: { readonly state: string; readonly dueEpoch: string; readonly at?: string };
}
