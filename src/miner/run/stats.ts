import { LatencyRecorder } from '../../telemetry/latency-recorder.js';
import { RateMeter, type Rates } from '../../telemetry/rate-meter.js';
import type { SubmissionOutcome } from './events.js';

/** Counts since the miner was created. Plain data; amounts in shannons, durations in milliseconds. */
export interface MinerSummary {
  /** New samples read. */
  readonly samples: number;
  /** Samples skipped because the store already has their bytes. */
  readonly duplicates: number;
  readonly scored: number;
  readonly hits: number;
  readonly submitted: number;
  /** Submissions joined from several chunks. */
  readonly composed: number;
  /** Submissions whose data, or a part of it, came from a search. */
  readonly searched: number;
  /** Samples proposed by searches and scored. */
  readonly proposed: number;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly claimed: number;
  /** Received by claims: rewards and returned bonds. */
  readonly claimedShannons: bigint;
  /** Rewards alone, without returned bonds. */
  readonly rewardShannons: bigint;
  readonly feesShannons: bigint;
  readonly openTargets: number;
  /** Open targets that wait for the weights of a model they name. */
  readonly waitingTargets: number;
  /** Milliseconds since data last came from any fullnode; `undefined` while not considered lost. */
  readonly fullnodeLostMs: number | undefined;
  /** Share of recently opened targets that the store had a hit for, 0 to 1; `undefined` while unknown. */
  readonly reach: number | undefined;
  /** Epoch and balance are `undefined` before the first read. */
  readonly epoch: bigint | undefined;
  readonly balanceShannons: bigint | undefined;
  readonly paused: boolean;
  readonly durationMs: number;
  readonly samplesPerSecond: Rates;
  readonly rowsScannedPerSecond: Rates;
  /** From the moment a hit became possible, the later of target and score, until its submission was sent. */
  readonly spawnToSubmitMs: {
    readonly p50: number | undefined;
    readonly p99: number | undefined;
    readonly count: number;
  };
}

/** Current values that the summary includes. */
export interface LiveNumbers {
  readonly openTargets: number;
  readonly waitingTargets: number;
  readonly fullnodeLostMs: number | undefined;
  readonly reach: number | undefined;
  readonly epoch: bigint | undefined;
  readonly paused: boolean;
  readonly balanceShannons: bigint | undefined;
  readonly accountFeesShannons: bigint;
}

/** Counters behind {@link MinerSummary}. */
export class MinerStats {
  readonly samples: RateMeter;
  readonly scored: RateMeter;
  readonly rowsScanned: RateMeter;
  readonly spawnToSubmit = new LatencyRecorder();
  readonly outcomes = { accepted: 0, lost: 0, rejected: 0, unknown: 0 };
  duplicates = 0;
  hits = 0;
  submitted = 0;
  composed = 0;
  searched = 0;
  proposed = 0;
  claimed = 0;
  claimedShannons = 0n;
  rewardShannons = 0n;
  /** Fees of transactions that an earlier run signed. */
  resentFeesShannons = 0n;
  readonly #now: () => number;
  readonly #startedAt: number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
    this.samples = new RateMeter(now);
    this.scored = new RateMeter(now);
    this.rowsScanned = new RateMeter(now);
  }

  count(outcome: SubmissionOutcome): void {
    this.outcomes[outcome.kind]++;
  }

  summary({ accountFeesShannons, ...live }: LiveNumbers): MinerSummary {
    return {
      samples: this.samples.total,
      duplicates: this.duplicates,
      scored: this.scored.total,
      hits: this.hits,
      submitted: this.submitted,
      composed: this.composed,
      searched: this.searched,
      proposed: this.proposed,
      ...this.outcomes,
      claimed: this.claimed,
      claimedShannons: this.claimedShannons,
      rewardShannons: this.rewardShannons,
      feesShannons: accountFeesShannons + this.resentFeesShannons,
      ...live,
      durationMs: Math.round(this.#now() - this.#startedAt),
      samplesPerSecond: this.scored.rates(),
      rowsScannedPerSecond: this.rowsScanned.rates(),
      spawnToSubmitMs: {
        p50: this.spawnToSubmit.quantile(0.5),
        p99: this.spawnToSubmit.quantile(0.99),
        count: this.spawnToSubmit.count,
      },
    };
  }
}
