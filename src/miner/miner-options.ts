import type { ScoringEngine } from '../engine/contract.js';
import type { DataHost } from '../hosting/index.js';
import type { SomaAccount } from '../soma/client/account/soma-account.js';
import type { SomaClient } from '../soma/client/soma-client.js';
import type { Sample } from '../sources/index.js';
import type { FarRows, HitPolicy, Store } from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsCache } from '../weights/weights-cache.js';
import type { Journal } from './journal/journal.js';

/** Default for transactions in flight at once. An epoch opens with about a hundred targets. */
export const DEFAULT_IN_FLIGHT = 128;

/** Options of a {@link Miner}. */
export interface MinerOptions {
  /** Shape of the network's models. */
  readonly config: ModelConfig;
  /** Which of several hits to submit. Default `first`. */
  readonly policy?: HitPolicy | undefined;
  /** Submit only this far inside the threshold, cosine distance. Default 0. */
  readonly margin?: number | undefined;
  /** Transactions in flight at once. Default 128. */
  readonly maxInFlight?: number | undefined;
  /** Largest bond of one submission. Default: ten times the protocol's for its size. */
  readonly maxBondShannons?: bigint | undefined;
  /** Hits scored by other machines are confirmed on this one if their bond is larger. Default 1,000,000. */
  readonly confirmBondShannons?: bigint | undefined;
  /** Largest fee of one transaction. Default: ten times the protocol's maximum. */
  readonly maxFeeShannons?: bigint | undefined;
  /** Targets with a smaller reward are skipped. Default: none are. */
  readonly minRewardShannons?: bigint | undefined;
  /** A submission starts only if its bond leaves at least this balance. Default: any that can be paid. */
  readonly minBalanceShannons?: bigint | undefined;
  /** Also claim targets that expired unfilled, for the incentive paid for returning them. Default false. */
  readonly claimExpired?: boolean | undefined;
  /** Find hits, submit nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Score only: look for no hits. Default false. */
  readonly scoreOnly?: boolean | undefined;
  /**
   * Samples scored at a time at most. An engine that says how many it scores side by side (`parallel`) is given them in
   * one round of about a second, or of as many samples as that where it is slower; another in several rounds at once.
   * Default 16.
   */
  readonly batchSize?: number | undefined;
  /**
   * Share of scoring used for gradient searches for targets that no sample hits, 0 to 1; more when the scorer is
   * otherwise idle. Default 0, which disables searching.
   */
  readonly searchShare?: number | undefined;
  /** Epochs for which the scores of weights that are no longer active are kept. Default 2. */
  readonly keepScoresEpochs?: number | undefined;
  /** How long a run waits at its end for answers to submissions, milliseconds. Default 15,000. */
  readonly drainMs?: number | undefined;
  /**
   * End with exactly this many accepted submissions (with `dryRun`, hits): never has more in flight than are missing.
   */
  readonly maxAccepted?: number | undefined;
  /** End after this many scored samples. */
  readonly untilSamples?: number | undefined;
  /** End when the source is exhausted and everything is matched. Default false: keep waiting for targets. */
  readonly untilIdle?: boolean | undefined;
}

/** Dependencies of a {@link Miner}. */
export interface MinerDeps {
  readonly client: SomaClient;
  /** Create it with `parallel: maxInFlight`, so that it keeps that many coins ready. */
  readonly account: SomaAccount;
  readonly engine: ScoringEngine;
  readonly weights: WeightsCache;
  readonly store: Store;
  readonly journal: Journal;
  readonly host: DataHost;
  readonly samples: AsyncIterable<Sample>;
  /** Rows on other machines to search as well. Default: none. */
  readonly far?: FarRows | undefined;
  /** State directory in which other processes store scores for this miner. Default: none. */
  readonly sharedDir?: string | undefined;
  /** Called with a unit of the source once all units before it are ingested, so that a later run can skip those. */
  readonly onUnit?: ((unit: number) => void) | undefined;
  /** Called each epoch with the checksums of active weights, so that files kept for others can be deleted. */
  readonly onActiveWeights?: ((checksums: ReadonlySet<string>) => Promise<unknown>) | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}
