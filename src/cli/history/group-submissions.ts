import type { PastSubmission } from '../../miner/index.js';
import type { HistoryPeriod } from '../../telemetry/api/api-types.js';

/** Ways to group submissions. */
export const GROUPINGS = ['day', 'epoch', 'model', 'source'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Totals of a group of submissions. Amounts in shannons. */
export interface SubmissionGroup extends HistoryPeriod {
  /** Median latency, milliseconds. */
  readonly latencyMs: number | undefined;
}

/** Groups submissions, in the order in which each group first appears. */
export function groupSubmissions(submissions: Iterable<PastSubmission>, by: Grouping): SubmissionGroup[] {
  const groups = new Map<string, Accumulator>();
  for (const submission of submissions) {
    const key = keyOf(submission, by);
    const group = groups.get(key) ?? new Accumulator();
    groups.set(key, group);
    group.add(submission);
  }
  return [...groups].map(([key, group]) => group.result(key));
}

/** Samples made by the miner itself have no source document; each kind counts as one source. */
const MADE: readonly (readonly [RegExp, string])[] = [
  [/^\d+ parts: samples /, 'composed of stored samples'],
  [/^searched from sample /, 'searched'],
];

/** The document, file or archive that a sample was cut from: its origin without record and position. */
function sourceOf(origin: string | undefined): string {
  const made = MADE.find(([pattern]) => origin !== undefined && pattern.test(origin));
  if (made !== undefined) return made[1];
  return (
    origin
      ?.replace(/@\d+$/, '')
      .replace(/#\d+$/, '')
      .replace(/![\s\S]*$/, '') ?? '(not recorded)'
  );
}

function keyOf(submission: PastSubmission, by: Grouping): string {
  switch (by) {
    case 'day':
      return new Date(submission.atMs).toISOString().slice(0, 10);
    case 'epoch':
      return String(submission.epoch);
    case 'model':
      return submission.modelId;
    case 'source':
      return sourceOf(submission.origin);
  }
}

class Accumulator {
  readonly #counts = { accepted: 0, lost: 0, rejected: 0, pending: 0 };
  readonly #latencies: number[] = [];
  #rewardShannons = 0n;
  #feesShannons = 0n;

  add({ outcome, rewardShannons, feeShannons, latencyMs, claim }: PastSubmission): void {
    this.#counts[outcome === 'built' || outcome === 'unknown' ? 'pending' : outcome]++;
    this.#rewardShannons += rewardShannons;
    this.#feesShannons += (feeShannons ?? 0n) + (claim?.feeShannons ?? 0n);
    if (latencyMs !== undefined) this.#latencies.push(latencyMs);
  }

  result(key: string): SubmissionGroup {
    const sorted = this.#latencies.sort((a, b) => a - b);
    return {
      key,
      ...this.#counts,
      rewardShannons: this.#rewardShannons,
      feesShannons: this.#feesShannons,
      latencyMs: sorted[Math.floor(sorted.length / 2)],
    };
  }
}
