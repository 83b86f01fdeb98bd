import { toQuarryError } from '../../errors/index.js';
import {
  boundOf,
  CALIBRATION_TOKENS,
  calibrationSamples,
  readBound,
  scoreError,
  writeBound,
} from '../calibration/error-bound.js';
import type { ErrorBound } from '../contract.js';
import { LARGEST_HALF } from './half.js';
import type { HalfRefusal, HalfWeights } from './half-weights.js';
import { type OnnxScore, type SampleScorer, scoreSample } from './score-sample.js';
import { openSession, type SessionParts } from './session.js';

/**
 * Attention scores beyond this can be off by half a unit and more in f16 (relative error of products of rounded inputs
 * up to 2^-10), which changes softmax weights noticeably.
 */
const LARGEST_ATTENTION = 512;

/** Characters kept of a runtime's error message. */
const LONGEST_REASON = 240;

/** Whether an f16 score is unreliable: not finite, or with intermediate values beyond f16. NaN counts as beyond. */
export function needsFullPrecision(score: OnnxScore): boolean {
  return !(
    Number.isFinite(score.loss) &&
    score.attention <= LARGEST_ATTENTION &&
    score.reach <= LARGEST_HALF &&
    score.embedding.every(Number.isFinite)
  );
}

/**
 * Error bound of a model's f16 scores: cached, or measured against f32 on the same provider with short chunks. Or the
 * reason why model or provider do not support f16.
 *
 * @param kept directory and key of cached bounds; if absent, the bound is measured at every load
 * @throws QuarryError whatever starting a session throws
 */
export async function halfBound(
  parts: SessionParts,
  scorer: Omit<SampleScorer, 'session' | 'config'>,
  half: HalfWeights,
  kept: { readonly dir: string; readonly key: string } | undefined,
): Promise<ErrorBound | HalfRefusal> {
  const known = kept && (await readBound(kept.dir, kept.key));
  if (known !== undefined) return known;
  const config = { ...parts.config, sequenceLength: Math.min(parts.config.sequenceLength, CALIBRATION_TOKENS) };
  const short = { ...parts, config };
  const samples = calibrationSamples();
  const scoresOf = async (matrices: HalfWeights | undefined): Promise<OnnxScore[]> => {
    const session = await openSession(short, matrices);
    try {
      const scores: OnnxScore[] = [];
      for (const sample of samples) scores.push(await scoreSample({ ...scorer, session, config }, sample));
      return scores;
    } finally {
      await session.release();
    }
  };
  let low: OnnxScore[];
  try {
    low = await scoresOf(half);
  } catch (error) {
    // A provider reports only at run time that its device lacks f16.
    const said = toQuarryError(error, 'a trial').message.split('\n', 1)[0]?.slice(0, LONGEST_REASON);
    return { refused: `"${parts.provider}" does not compute in f16 here: ${said}` };
  }
  const full = await scoresOf(undefined);
  // Ignore samples that would be scored again in f32 anyway.
  const errors = low.flatMap((score, i) => (needsFullPrecision(score) ? [] : [scoreError(score, full[i]!)]));
  if (errors.length === 0) return { refused: 'activations leave the range of f16' };
  const bound = boundOf(errors);
  if (!Number.isFinite(bound.loss + bound.distance)) return { refused: 'its error has no bound' };
  if (kept !== undefined) await writeBound(kept.dir, kept.key, bound);
  return bound;
}
