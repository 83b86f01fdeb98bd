import type { PeerTime, Skipped } from './baselines/peer-process.js';
import { type BenchResult, benchResult } from './result.js';

/** A library's name and its time for the same case, or why there is none. */
export type PeerOutcome = { readonly name: string } & (PeerTime | Skipped);

/**
 * One result for each peer next to our own of the same case; our own alone where no peer ran. Peers that did not run
 * follow, with the reason instead of a value.
 *
 * @param own our result, without a peer
 * @param seconds our time
 * @param work what `own.value` is the rate of, in its unit times seconds
 */
export function* comparisons(
  own: BenchResult,
  seconds: number,
  work: number,
  peers: readonly PeerOutcome[],
): Iterable<BenchResult> {
  const ran = peers.filter((peer) => 'seconds' in peer);
  if (ran.length === 0) yield own;
  for (const peer of ran) {
    yield {
      ...own,
      peer: peer.name,
      peerRatio: peer.seconds / seconds,
      peerValue: work / peer.seconds,
      peerError: peer.error,
      note: own.note === undefined ? peer.version : `${own.note}; ${peer.version}`,
    };
  }
  for (const peer of peers) if ('skipped' in peer) yield skippedPeer(own, peer.name, peer.skipped);
}

/** The row of a peer that did not run. */
function skippedPeer(
  of: Pick<BenchResult, 'bench' | 'case' | 'engine' | 'unit'> & Partial<BenchResult>,
  peer: string,
  reason: string,
): BenchResult {
  const { bench, case: name, engine, unit, isa = null, precision = null, threads = null } = of;
  return benchResult({ bench, case: name, engine, unit, isa, precision, threads, peer, note: `skipped: ${reason}` });
}
