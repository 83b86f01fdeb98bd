/** What the API tells and the page shows. Amounts in shannons, durations in milliseconds, times in ISO 8601. */
export interface MinerStatus {
  readonly at: string;
  readonly version: string;
  /** Whether a miner runs in this process; otherwise all this is read from its state directory. */
  readonly live: boolean;
  /** Whether this API takes orders from those who have its token. */
  readonly controllable: boolean;
  readonly network: string | undefined;
  readonly stateDir: string;
  readonly address: string | undefined;
  /** Of all runs. */
  readonly totals: StatusTotals;
  readonly run: StatusRun | undefined;
  readonly nodes: readonly StatusNode[];
  readonly models: readonly StatusModel[];
  readonly engine: StatusEngine | undefined;
  readonly store: StatusStore;
  readonly fleet: StatusFleet | undefined;
}

/** What the journal counts over all runs. */
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

/** What this run does. */
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
  /** Submissions queued or awaiting an answer. */
  readonly queued: number;
  /** Over 10 s, a minute and a quarter of an hour. */
  readonly samplesPerSecond: readonly (number | undefined)[];
  readonly rowsScannedPerSecond: readonly (number | undefined)[];
  /** Share of the targets that opened lately, 0 to 1, which the store had an answer for. */
  readonly reach: number | undefined;
}

/** A fullnode. */
export interface StatusNode {
  readonly url: string;
  readonly connected: boolean;
  /** Whether calls go to it now. */
  readonly preferred: boolean;
  readonly latencyMs: number | undefined;
  readonly checkpoint: bigint | undefined;
  /** Since its last checkpoint was heard of. */
  readonly checkpointAgeMs: number | undefined;
  readonly error: string | undefined;
}

/** A model that targets may name. */
export interface StatusModel {
  readonly id: string;
  readonly state: 'waiting' | 'fetching' | 'ready' | 'failed';
  readonly receivedBytes: number;
  readonly sizeBytes: number;
  readonly note: string | undefined;
}

/** The engines in use. */
export interface StatusEngine {
  readonly name: string;
  readonly reason: string;
  readonly workers: number;
  readonly threads: number;
  readonly distances: string;
}

/** What lies on disk, bytes. */
export interface StatusStore {
  readonly samples: number | undefined;
  readonly bytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
}

/** A scorer on another machine. */
export interface StatusScorer {
  readonly id: string;
  /** Its machine and engine. */
  readonly label: string;
  readonly samples: number;
  readonly samplesPerSecond: number;
  /** Models that it has loaded. */
  readonly models: number;
  /** Time since its last report. */
  readonly seenAgoMs: number;
}

/** Scorers on other machines. */
export interface StatusFleet {
  /** Scorers that answered since the start. */
  readonly scorers: number;
  readonly samples: number;
  readonly redelivered: number;
  /** Samples given up. */
  readonly leftOut: number;
  /** Scorers that keep rows and are there now. */
  readonly keepers: number;
  readonly keptRows: number;
  /** Searches in kept rows. */
  readonly scans: number;
  /** Those that not every scorer answered in time. */
  readonly partialScans: number;
  /** Live scorers; absent while the NATS server does not answer. */
  readonly live?: readonly StatusScorer[] | undefined;
  /** Samples in the queue, including those being scored; absent while the NATS server does not answer. */
  readonly queued?: number | undefined;
}

/** What submissions are grouped by in a history. */
export type HistoryBy = 'hour' | 'day' | 'epoch';

/** What the latest submissions came to. */
export interface History {
  readonly by: HistoryBy;
  /** Oldest first. */
  readonly periods: readonly HistoryPeriod[];
  readonly causes: readonly { readonly outcome: string; readonly reason: string; readonly count: number }[];
  /** From the moment a hit was possible to its acceptance. */
  readonly latency: LatencyHistogram;
  /** Newest first. */
  readonly distances: readonly {
    readonly at: number;
    readonly distance: number;
    readonly threshold: number;
    readonly outcome: string;
  }[];
  /** Submissions that were read; when there are more, those before are not in these numbers. */
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

/** Counts by duration: `counts[i]` up to `boundsMs[i]`, the last one beyond all bounds. */
export interface LatencyHistogram {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
}

/** How things stood once a minute, once an hour beyond two days, oldest first. */
export interface VitalsHistory {
  readonly points: readonly VitalsPoint[];
  /** From the moment a hit was possible to its submission on the wire. */
  readonly wireLatency: LatencyHistogram;
}

/** How things stood at one time. */
export interface VitalsPoint {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly balanceShannons: bigint | undefined;
  readonly samplesPerSecond: number | undefined;
  readonly storeBytes: number | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly reach: number | undefined;
}

/** Who won a target, as a node says. */
export interface Winner {
  readonly status: string;
  readonly submitter: string | undefined;
  readonly distance: number | undefined;
}

/** A type as JSON carries it: bigints are decimal strings, what is `undefined` is absent. */
export type Wire<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Wire<T[Key]> }
      : T;
