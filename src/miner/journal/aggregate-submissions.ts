import type { History, HistoryBy, HistoryPeriod } from '../../telemetry/api/api-types.js';
import { latencyHistogram } from '../../telemetry/latency-histogram.js';
import type { PastSubmission } from './journal-history.js';

/** Distances returned at most, as many as a chart can show. */
const MAX_DISTANCES = 1_000;
/** Distinct causes returned at most; the rest are counted as "other causes". */
const MAX_CAUSES = 20;
const HOUR_MS = 3_600_000;

interface Sum extends HistoryPeriod {
  accepted: number;
  lost: number;
  rejected: number;
  pending: number;
  rewardShannons: bigint;
  feesShannons: bigint;
}

/**
 * Aggregates submissions for charts.
 *
 * @param newestFirst submissions, read until `limit` periods are complete
 * @param maxRows maximum submissions read
 */
export function aggregateSubmissions(
  newestFirst: Iterable<PastSubmission>,
  by: HistoryBy,
  limit: number,
  maxRows: number,
): History {
  const periods = new Map<string, Sum>();
  const causes = new Map<string, number>();
  const latencies: number[] = [];
  const distances: History['distances'][number][] = [];
  let rows = 0;
  let isCut = false;
  for (const submission of newestFirst) {
    const { outcome, reason, latencyMs, distance, threshold, atMs } = submission;
    const key = keyOf(submission, by);
    if (rows >= maxRows || (!periods.has(key) && periods.size >= limit)) {
      isCut = rows >= maxRows;
      break;
    }
    rows++;
    add(periods, key, submission);
    if (outcome === 'accepted' && latencyMs !== undefined) latencies.push(latencyMs);
    if (outcome === 'lost' || outcome === 'rejected') {
      const cause = `${outcome} ${reason ?? ''}`;
      const known = causes.has(cause) || causes.size < MAX_CAUSES ? cause : `${outcome} other causes`;
      causes.set(known, (causes.get(known) ?? 0) + 1);
    }
    if (distance !== undefined && threshold !== undefined && distances.length < MAX_DISTANCES)
      distances.push({ at: atMs, distance, threshold, outcome: outcome === 'built' ? 'pending' : outcome });
  }
  return {
    by,
    periods: [...periods.values()].reverse(),
    causes: [...causes].sort(([, a], [, b]) => b - a).map(([cause, count]) => causeFrom(cause, count)),
    latency: latencyHistogram(latencies),
    distances,
    rows,
    isCut,
  };
}

function keyOf({ atMs, epoch }: PastSubmission, by: HistoryBy): string {
  if (by === 'epoch') return String(epoch);
  const hour = new Date(Math.floor(atMs / HOUR_MS) * HOUR_MS).toISOString();
  return by === 'day' ? hour.slice(0, 10) : hour;
}

function add(
  periods: Map<string, Sum>,
  key: string,
  { outcome, rewardShannons, feeShannons, claim }: PastSubmission,
): void {
  const empty = { accepted: 0, lost: 0, rejected: 0, pending: 0, rewardShannons: 0n, feesShannons: 0n };
  const sum = periods.get(key) ?? { key, ...empty };
  periods.set(key, sum);
  sum[outcome === 'built' || outcome === 'unknown' ? 'pending' : outcome]++;
  sum.rewardShannons += rewardShannons;
  sum.feesShannons += (feeShannons ?? 0n) + (claim?.feeShannons ?? 0n);
}

function causeFrom(cause: string, count: number): History['causes'][number] {
  const [outcome = '', ...words] = cause.split(' ');
  return { outcome, reason: words.join(' '), count };
}
