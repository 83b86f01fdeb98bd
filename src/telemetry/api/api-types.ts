/** Types shared by the API and the dashboard. Amounts are in shannons, durations in milliseconds, times in ISO 8601. */
export interface MinerStatus {
  readonly at: string;
  readonly version: string;
  /** Whether a miner runs in this process; otherwise everything is read from its state directory. */
  readonly live: boolean;
  /** Whether this API accepts commands with its token. */
  readonly controllable: boolean;
  readonly network: string | undefined;
  readonly stateDir: string;
  readonly address: string | undefined;
  /** Across all runs. */
  readonly totals: StatusTotals;
  readonly run: StatusRun | undefined;
  readonly nodes: readonly StatusNode[];
  readonly models: readonly StatusModel[];
  readonly engine: StatusEngine | undefined;
  readonly store: StatusStore;
  readonly fleet: StatusFleet | undefined;
}

/** Counts in the journal, across all runs. */
export interface StatusTotals {
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly pending: number;
  readonly claimed: number;
  readonly unclaimed: number;
  readonly receivedShannons: bigint;
  readonly feesShannons: bigint;
}

/** State of the current run. */
export interface StatusRun {
  readonly durationMs: number;
  readonly paused: boolean;
  readonly epoch: bigint | undefined;
  readonly openTargets: number;
  readonly balanceShannons: bigint | undefined;
  readonly samples: number;
  readonly scored: number;
  readonly hits: number;
  readonly submitted: number;
  /** Submissions queued or awaiting a response. */
  readonly queued: number;
  /** Averages over 10 s, 1 min and 15 min. */
  readonly samplesPerSecond: readonly (number | undefined)[];
  readonly rowsScannedPerSecond: readonly (number | undefined)[];
  /** Fraction of recently opened targets that the store could answer, 0 to 1. */
  readonly reach: number | undefined;
}

/** A fullnode. */
export interface StatusNode {
  readonly url: string;
  readonly connected: boolean;
  /** Whether calls currently go to it. */
  readonly preferred: boolean;
  readonly latencyMs: number | undefined;
  readonly checkpoint: bigint | undefined;
  /** Time since its last checkpoint was received. */
  readonly checkpointAgeMs: number | undefined;
  readonly error: string | undefined;
}

/** An active model. */
export interface StatusModel {
  readonly id: string;
  readonly state: 'waiting' | 'fetching' | 'ready' | 'failed';
  readonly receivedBytes: number;
  readonly sizeBytes: number;
  readonly note: string | undefined;
}

/** Engines in use. */
export interface StatusEngine {
  readonly name: string;
  readonly reason: string;
  readonly workers: number;
  readonly threads: number;
  readonly distances: string;
}

/** Disk usage, bytes. */
export interface StatusStore {
  readonly samples: number | undefined;
  readonly bytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
}

/** A scorer on another machine. */
export interface StatusScorer {
  readonly id: string;
  /** Name of its machine and engine. */
  readonly label: string;
  readonly samples: number;
  readonly samplesPerSecond: number;
  /** Number of loaded models. */
  readonly models: number;
  /** Time since its last report. */
  readonly seenAgoMs: number;
}

/** Scorers on other machines. */
export interface StatusFleet {
  /** Scorers that have answered since the start. */
  readonly scorers: number;
  readonly samples: number;
  readonly redelivered: number;
  /** Samples given up. */
  readonly leftOut: number;
  /** Scorers that keep rows and are currently present. */
  readonly keepers: number;
  readonly keptRows: number;
  /** Searches in kept rows. */
  readonly scans: number;
  /** Searches that not every scorer answered in time. */
  readonly partialScans: number;
  /** Live scorers; absent while the NATS server does not answer. */
  readonly live?: readonly StatusScorer[] | undefined;
  /** Samples in the queue, including those being scored; absent while the NATS server does not answer. */
  readonly queued?: number | undefined;
}

/** How to group submissions in a history. */
export type HistoryBy = 'hour' | 'day' | 'epoch';

/** Outcomes of recent submissions. */
export interface History {
  readonly by: HistoryBy;
  /** Oldest first. */
  readonly periods: readonly HistoryPeriod[];
  readonly causes: readonly { readonly outcome: string; readonly reason: string; readonly count: number }[];
  /** From when a hit became possible to its acceptance. */
  readonly latency: LatencyHistogram;
  /** Newest first. */
  readonly distances: readonly {
    readonly at: number;
    readonly distance: number;
    readonly threshold: number;
    readonly outcome: string;
  }[];
  /** Number of submissions read; if there are more, older ones are not included. */
  readonly rows: number;
  readonly isCut: boolean;
}

/** One hour, day (UTC) or epoch. */
export interface HistoryPeriod {
  readonly key: string;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly pending: number;
  readonly rewardShannons: bigint;
  readonly feesShannons: bigint;
}

/** Counts by duration: `counts[i]` up to `boundsMs[i]`, the last one above all bounds. */
export interface LatencyHistogram {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
}

/** State over time, oldest first: once per minute, and once per hour beyond two days. */
export interface VitalsHistory {
  readonly points: readonly VitalsPoint[];
  /** From when a hit became possible to its submission on the wire. */
  readonly wireLatency: LatencyHistogram;
}

/** State at one point in time. */
export interface VitalsPoint {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly balanceShannons: bigint | undefined;
  readonly samplesPerSecond: number | undefined;
  readonly storeBytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly reach: number | undefined;
}

/** Winner of a target, as reported by a node. */
export interface Winner {
  readonly status: string;
  readonly submitter: string | undefined;
  readonly distance: number | undefined;
}

/** A type as serialised to JSON: bigints become decimal strings, and `undefined` fields are absent. */
export type Wire<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Wire<T[Key]> }
      : T;
