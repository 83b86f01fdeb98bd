import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MinerStatus } from './api/api-types.js';
import { LATENCY_BOUNDS_MS } from './latency-histogram.js';
import { addStatusMetrics, type Claimable, soma } from './status-metrics.js';

/** The exported numbers of a miner's summary. Amounts in shannons, durations in milliseconds. */
export interface MeteredSummary {
  readonly samples: number;
  readonly scored: number;
  readonly hits: number;
  readonly submitted: number;
  readonly composed: number;
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly claimed: number;
  readonly rewardShannons: bigint;
  readonly feesShannons: bigint;
  readonly balanceShannons: bigint | undefined;
  readonly openTargets: number;
  readonly epoch: bigint | undefined;
  readonly paused: boolean;
  readonly durationMs: number;
}

/** Metrics of one miner, exported in Prometheus base units (seconds) and SOMA for amounts. */
export interface MinerMetrics {
  /** Records the time from when a hit became possible to its submission on the wire. */
  observeSubmitted(latencyMs: number): void;
  /** Records the time from when a hit became possible to the response to its submission. */
  observeOutcome(outcome: string, latencyMs: number): void;
  /** The current metrics as Prometheus text. */
  text(): Promise<string>;
}

const COUNTERS = {
  quarry_samples_total: ['Samples taken in.', (s: MeteredSummary) => s.samples],
  quarry_scored_samples_total: ['Samples scored.', (s: MeteredSummary) => s.scored],
  quarry_hits_total: ['Hits found.', (s: MeteredSummary) => s.hits],
  quarry_submissions_sent_total: ['Submissions sent.', (s: MeteredSummary) => s.submitted],
  quarry_composed_submissions_total: ['Submissions of several joined chunks.', (s: MeteredSummary) => s.composed],
  quarry_claims_total: ['Targets claimed.', (s: MeteredSummary) => s.claimed],
  quarry_rewards_soma_total: ['Rewards claimed, in SOMA.', (s: MeteredSummary) => soma(s.rewardShannons)],
  quarry_fees_soma_total: ['Fees paid, in SOMA.', (s: MeteredSummary) => soma(s.feesShannons)],
} as const;

const OUTCOMES = ['accepted', 'lost', 'rejected'] as const;

/** Unknown values are absent: a zero that was never measured would trigger false alerts. */
const GAUGES = {
  quarry_submissions_unknown: ['Submissions with an unknown outcome.', (s: MeteredSummary) => s.unknown],
  quarry_open_targets: ['Open targets.', (s: MeteredSummary) => (s.epoch === undefined ? undefined : s.openTargets)],
  quarry_epoch: ['Epoch of the network.', (s: MeteredSummary) => (s.epoch === undefined ? undefined : Number(s.epoch))],
  quarry_balance_soma: [
    'Balance of the address, in SOMA.',
    (s: MeteredSummary) => (s.balanceShannons === undefined ? undefined : soma(s.balanceShannons)),
  ],
  quarry_paused: ['Whether mining is paused.', (s: MeteredSummary) => Number(s.paused)],
  quarry_uptime_seconds: ['Time since the start.', (s: MeteredSummary) => s.durationMs / 1000],
} as const;

const BUCKETS_SECONDS = LATENCY_BOUNDS_MS.map((ms) => ms / 1_000);

/**
 * Creates metrics whose totals are read on every scrape.
 *
 * @param version this program's version
 * @param standing the miner's status and claimable rewards; called only on scrapes
 */
export function createMinerMetrics(
  summary: () => MeteredSummary,
  version: string,
  standing?: () => { readonly status: MinerStatus; readonly claimable: Claimable },
): MinerMetrics {
  const lasting = lastingRegistry(version);
  const registers = [lasting];
  const wire = new Histogram({
    name: 'quarry_hit_to_wire_seconds',
    help: 'From the moment a hit was possible to its submission on the wire.',
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const answer = new Histogram({
    name: 'quarry_hit_to_answer_seconds',
    help: 'From the moment a hit was possible to the answer to its submission.',
    labelNames: ['outcome'],
    buckets: BUCKETS_SECONDS,
    registers,
  });
  return {
    observeSubmitted: (latencyMs) => wire.observe(latencyMs / 1000),
    observeOutcome: (outcome, latencyMs) => answer.observe({ outcome }, latencyMs / 1000),
    text: async () => {
      const current = totalsRegistry(summary());
      if (standing !== undefined) {
        const { status, claimable } = standing();
        addStatusMetrics(current, status, claimable);
      }
      const parts = await Promise.all([current.metrics(), lasting.metrics()]);
      return parts.map((part) => `${part.trimEnd()}\n`).join('');
    },
  };
}

function totalsRegistry(current: MeteredSummary): Registry {
  const registry = new Registry();
  const registers = [registry];
  for (const [name, [help, value]] of Object.entries(COUNTERS)) {
    new Counter({ name, help, registers }).inc(value(current));
  }
  const outcomes = new Counter({
    name: 'quarry_submissions_total',
    help: 'Submissions answered, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of OUTCOMES) outcomes.inc({ outcome }, current[outcome]);
  for (const [name, [help, read]] of Object.entries(GAUGES)) {
    const value = read(current);
    if (value !== undefined) new Gauge({ name, help, registers }).set(value);
  }
  return registry;
}

/** Metrics that persist between scrapes: process metrics and build info. */
function lastingRegistry(version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // The library gives some gauges names of counters.
  for (const { name, type } of registry.getMetricsAsArray() as unknown as { name: string; type: string }[]) {
    if (type === 'gauge' && /_total(_bytes)?$/.test(name)) registry.removeSingleMetric(name);
  }
  new Gauge({
    name: 'quarry_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node', 'platform'],
    registers: [registry],
  }).set({ version, node: process.version, platform: `${process.platform}-${process.arch}` }, 1);
  return registry;
}
