import type { MatchHit, Store } from '../../store/index.js';
import type { OpenTarget } from '../feed/open-targets.js';
import { isSearched } from '../search/searched-origin.js';

/** Data that fits a target, ready to be submitted. */
export interface Candidate {
  readonly open: OpenTarget;
  /** Monotonic milliseconds from which on this hit was possible. */
  readonly readyAt: number;
  readonly sampleId: number;
  readonly sizeBytes: number;
  readonly origin: string;
  /** Whether a search made it, or a part of it. */
  readonly searched?: boolean | undefined;
  /** Object id of the winning model. */
  readonly modelId: string;
  readonly loss: number;
  /** `[embeddingDim]`, the winner's. */
  readonly embedding: Float32Array;
  readonly distance: number;
}

/**
 * Makes a candidate of a decided hit. Every row the decision rests on is read back and checked against its checksum:
 * what is signed for was never damaged on disk.
 *
 * @returns undefined when a row is damaged; scoring the sample again mends that
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
