import type { ScoringEngine } from '../engine/contract.js';
import type { DataHost } from '../hosting/index.js';
import type { SomaAccount } from '../soma/client/account/soma-account.js';
import type { SomaClient } from '../soma/client/soma-client.js';
import type { Sample } from '../sources/index.js';
import type { FarRows, Store } from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsCache } from '../weights/weights-cache.js';
import type { Journal } from './journal/journal.js';

/** Transactions in flight at once, unless told otherwise: an epoch begins with a hundred targets. */
export const DEFAULT_IN_FLIGHT = 128;

/** How a miner mines. */
export interface MinerOptions {
  /** Shape of the network's models. */
  readonly config: ModelConfig;
  /** Which of several fitting samples is submitted. Default `first`. */
  readonly policy?: 'first' | 'closest' | 'cheapest' | undefined;
  /** Submit only this far inside the threshold, cosine distance. Default 0. */
  readonly margin?: number | undefined;
  /** Transactions in flight at once. Default 128. */
  readonly maxInFlight?: number | undefined;
  /** Largest bond of one submission. Default: ten times the protocol's for its size. */
  readonly maxBondShannons?: bigint | undefined;
  /** Hits whose bond is above this are scored again on this machine first, where others scored them. Default 1,000,000. */
  readonly confirmBondShannons?: bigint | undefined;
  /** Largest fee of one transaction. Default: ten times the protocol's most. */
  readonly maxFeeShannons?: bigint | undefined;
  readonly minRewardShannons?: bigint | undefined;
  readonly minBalanceShannons?: bigint | undefined;
  /** Default false. */
  readonly claimExpired?: boolean | undefined;
  /** Find hits, submit nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Score only: look for no hits. Default false. */
  readonly scoreOnly?: boolean | undefined;
  /** Samples scored per round. Default 16. */
  readonly batchSize?: number | undefined;
  /**
   * Share of scoring that goes into searching for targets that nothing known hits, more when nothing else waits; 0: none.
   * Default 0.
   */
  readonly searchShare?: number | undefined;
  /** Epochs for which the scores of weights that are no longer active are kept. Default 2. */
  readonly keepScoresEpochs?: number | undefined;
  /** How long the end of a run waits for answers to submissions, milliseconds. Default 15,000. */
  readonly drainMs?: number | undefined;
  /** End with this many accepted submissions (hits with `dryRun`): never more than are missing are in flight. */
  readonly maxAccepted?: number | undefined;
  /** End after this many scored samples. */
  readonly untilSamples?: number | undefined;
  /** End when the source has nothing more and everything is matched. Default false: wait for targets. */
  readonly untilIdle?: boolean | undefined;
}

/** What a miner stands on. */
export interface MinerDeps {
  readonly client: SomaClient;
  /** Give it `parallel: maxInFlight`, so that it keeps that many coins ready. */
  readonly account: SomaAccount;
  readonly engine: ScoringEngine;
  readonly weights: WeightsCache;
  readonly store: Store;
  readonly journal: Journal;
  readonly host: DataHost;
  readonly samples: AsyncIterable<Sample>;
  /** Rows on other machines that are searched besides. Default: none. */
  readonly far?: FarRows | undefined;
  /** State directory in which other processes leave scores that this miner takes over. Default: nowhere. */
  readonly sharedDir?: string | undefined;
  /** Called when every unit of the source before this one has been taken in, so that a later run may skip them. */
  readonly onUnit?: ((unit: number) => void) | undefined;
  /** Called at every epoch which weights are active, by checksum, so that what is kept for others may go. */
  readonly onActiveWeights?: ((checksums: ReadonlySet<string>) => Promise<unknown>) | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}
