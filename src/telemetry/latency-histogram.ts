import type { LatencyHistogram } from './api/api-types.js';

/** From a local network's millisecond to an almost unresponsive node, milliseconds. */
export const LATENCY_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/**
 * Bucket of a duration in milliseconds: the first whose bound it does not exceed, or the last for durations above all
 * bounds.
 */
export function latencyBar(ms: number): number {
  const bar = LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound);
  return bar === -1 ? LATENCY_BOUNDS_MS.length : bar;
}

/** A histogram of durations in milliseconds. */
export function latencyHistogram(durations: Iterable<number>): LatencyHistogram {
  const counts = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
  for (const ms of durations) counts[latencyBar(ms)]!++;
  return { boundsMs: LATENCY_BOUNDS_MS, counts };
}
