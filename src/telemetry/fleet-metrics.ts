import { Counter, Gauge, type Registry } from 'prom-client';
import type { StatusFleet, StatusScorer } from './api/api-types.js';

/** Limits the label values of a scrape. */
const MOST_SCORERS = 1_000;

/** Adds metrics of a fleet's status to registries. */
export function addFleetMetrics(registers: Registry[], fleet: StatusFleet): void {
  const gauge = (name: string, help: string, value: number | undefined): void => {
    if (value !== undefined) new Gauge({ name, help, registers }).set(value);
  };
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers }).inc(value);
  // While the NATS server does not answer, no scorer can be reached.
  gauge('quarry_fleet_scorers', 'Live scorers.', fleet.live?.length ?? 0);
  gauge('quarry_fleet_queued', 'Samples in the queue, including those being scored.', fleet.queued);
  counter('quarry_fleet_samples_total', 'Answers accepted from scorers.', fleet.samples);
  counter('quarry_fleet_redelivered_total', 'Answers to samples handed out again.', fleet.redelivered);
  counter('quarry_fleet_left_out_total', 'Samples that no scorer could score.', fleet.leftOut);
  gauge('quarry_fleet_keepers', 'Scorers that keep rows.', fleet.keepers);
  gauge('quarry_fleet_kept_rows', 'Samples that scorers keep.', fleet.keptRows);
  counter('quarry_fleet_scans_total', 'Searches in kept rows.', fleet.scans);
  counter('quarry_fleet_partial_scans_total', 'Searches not answered by all scorers.', fleet.partialScans);
  addScorers(registers, (fleet.live ?? []).slice(0, MOST_SCORERS));
}

function addScorers(registers: Registry[], scorers: readonly StatusScorer[]): void {
  const each = (name: string, help: string, read: (scorer: StatusScorer) => number): void => {
    if (scorers.length === 0) return;
    const gauge = new Gauge({ name, help, labelNames: ['scorer', 'runs'], registers });
    for (const scorer of scorers) gauge.set({ scorer: scorer.id, runs: scorer.label }, read(scorer));
  };
  each('quarry_fleet_scorer_samples_per_second', 'Samples a second of a scorer.', (scorer) => scorer.samplesPerSecond);
  each('quarry_fleet_scorer_models', 'Models that a scorer has loaded.', (scorer) => scorer.models);
  each(
    'quarry_fleet_scorer_seen_seconds',
    'Time since the last report of a scorer.',
    (scorer) => scorer.seenAgoMs / 1_000,
  );
}
