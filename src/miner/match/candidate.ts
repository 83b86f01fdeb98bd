import type { MatchHit, Store } from '../../store/index.js';
import type { OpenTarget } from '../feed/open-targets.js';
import { isSearched } from '../search/searched-origin.js';

/** A sample that hits a target, ready to submit. */
export interface Candidate {
  readonly open: OpenTarget;
  /** When this hit became possible: the later of target and score, monotonic milliseconds. */
  readonly readyAt: number;
  readonly sampleId: number;
  readonly sizeBytes: number;
  readonly origin: string;
  /** Whether the sample, or a part of it, came from a search. */
  readonly searched?: boolean | undefined;
  /** Object id of the winning model. */
  readonly modelId: string;
  readonly loss: number;
  /** The winner's embedding, `[embeddingDim]`. */
  readonly embedding: Float32Array;
  readonly distance: number;
}

/**
 * Builds a candidate from a decided hit. Reads back every row behind the decision and verifies its checksum, so that
 * nothing is signed on the basis of a row damaged on disk.
 *
 * @returns undefined if a row is damaged; scoring the sample again repairs that
 */
export function candidateOf(
  store: Store,
  open: OpenTarget,
  readyAt: number,
  hit: MatchHit,
  models: Parameters<Store['prepare']>[0],
): Candidate | undefined {
  const modelId = open.target.modelIds[hit.winner];
  const scores = models.map((model) => store.score(hit.sampleId, model));
  const score = scores[hit.winner];
  if (modelId === undefined || score === undefined || scores.includes(undefined)) return undefined;
  const { sampleId, sizeBytes, distance } = hit;
  const { origin } = store.sample(sampleId);
  const { loss, embedding } = score;
  const from = Math.max(readyAt, open.seenAt);
  const searched = isSearched(store, origin);
  return { open, readyAt: from, sampleId, sizeBytes, origin, searched, modelId, loss, embedding, distance };
}
