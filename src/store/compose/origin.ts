import type { ModelKey } from '../model-key.js';
import type { Store } from '../store.js';
import type { ScoreInput } from '../store-types.js';
import { composedScore } from './composed-score.js';

const COMPOSED = /^(\d+) parts: samples (\d+(?:\+\d+)*)$/;

/** Origin text of a composed sample, which lists its parts: `3 parts: samples 4+4+17`. */
export function composedOrigin(parts: readonly number[]): string {
  return `${parts.length} parts: samples ${parts.join('+')}`;
}

/** Parses the part ids from an origin; undefined if the sample was not composed. */
export function partsOfOrigin(origin: string): readonly number[] | undefined {
  const ids = COMPOSED.exec(origin)?.[2]?.split('+').map(Number);
  return ids !== undefined && ids.length === Number(COMPOSED.exec(origin)?.[1]) ? ids : undefined;
}

/**
 * Computes a composed sample's score from its parts; undefined if it was not composed or a part has no score. Its
 * precision is that of the least precise part.
 */
export function scoreFromParts(store: Store, sampleId: number, model: ModelKey): ScoreInput | undefined {
  const parts = partsOfOrigin(store.sample(sampleId).origin)?.map((id) => store.score(id, model));
  if (parts === undefined || !parts.every((part) => part !== undefined)) return undefined;
  const precision = parts.find((part) => part.precision !== 'f32')?.precision ?? 'f32';
  return { sampleId, ...composedScore(parts), precision };
}
