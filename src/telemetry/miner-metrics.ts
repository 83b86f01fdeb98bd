import { Counter, Gauge, Registry } from 'prom-client';

/** The numbers of a miner's summary that are exported. Amounts are exported in SOMA, durations in seconds. */
export interface MeteredSummary {
  readonly samples: number;
  readonly scored: number;
  readonly hits: number;
  readonly submitted: number;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly claimed: number;
  readonly rewardShannons: bigint;
  readonly feesShannons: bigint;
  readonly balanceShannons: bigint | undefined;
  readonly openTargets: number;
  readonly epoch: bigint;
  readonly durationMs: number;
  readonly spawnToSubmitMs: { readonly p50: number | undefined; readonly p99: number | undefined };
}

/** Counters only grow; collectors set them to the summary's totals at every scrape. */
const COUNTERS = {
  quarry_samples_total: ['samples taken in', (s: MeteredSummary) => s.samples],
  quarry_scored_samples_total: ['samples scored', (s: MeteredSummary) => s.scored],
  quarry_hits_total: ['hits found', (s: MeteredSummary) => s.hits],
  quarry_submissions_total: ['submissions sent', (s: MeteredSummary) => s.submitted],
  quarry_submissions_accepted_total: ['submissions accepted', (s: MeteredSummary) => s.accepted],
  quarry_submissions_lost_total: ['submissions that came too late', (s: MeteredSummary) => s.lost],
  quarry_submissions_rejected_total: ['submissions rejected', (s: MeteredSummary) => s.rejected],
  quarry_claims_total: ['targets claimed', (s: MeteredSummary) => s.claimed],
} as const;

const GAUGES = {
  quarry_submissions_unknown: ['submissions whose outcome is unknown', (s: MeteredSummary) => s.unknown],
  quarry_open_targets: ['open targets', (s: MeteredSummary) => s.openTargets],
  quarry_epoch: ['epoch of the network', (s: MeteredSummary) => Number(s.epoch)],
  quarry_rewards_soma: ['rewards claimed, SOMA', (s: MeteredSummary) => Number(s.rewardShannons) / 1e9],
  quarry_fees_soma: ['fees paid, SOMA', (s: MeteredSummary) => Number(s.feesShannons) / 1e9],
  quarry_balance_soma: ['known balance, SOMA', (s: MeteredSummary) => Number(s.balanceShannons ?? 0n) / 1e9],
  quarry_uptime_seconds: ['time since the start, seconds', (s: MeteredSummary) => s.durationMs / 1000],
  quarry_spawn_to_submit_p50_seconds: [
    'target seen to submission sent, median',
    (s: MeteredSummary) => (s.spawnToSubmitMs.p50 ?? 0) / 1000,
  ],
  quarry_spawn_to_submit_p99_seconds: [
    'the same, 99th percentile',
    (s: MeteredSummary) => (s.spawnToSubmitMs.p99 ?? 0) / 1000,
  ],
} as const;

/** Prometheus text of a summary, read anew at every call. */
export function minerMetrics(summary: () => MeteredSummary): () => Promise<string> {
  return async () => {
    const registry = new Registry();
    const current = summary();
    for (const [name, [help, value]] of Object.entries(COUNTERS)) {
      new Counter({ name, help, registers: [registry] }).inc(value(current));
    }
    for (const [name, [help, value]] of Object.entries(GAUGES)) {
      new Gauge({ name, help, registers: [registry] }).set(value(current));
    }
    return registry.metrics();
  };
}
