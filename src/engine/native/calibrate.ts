import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ErrorBound } from '../contract.js';
import type { RawScore } from './core.js';

/** Tokens of a calibration chunk: an eighth of the protocol's, so that errors average out less than in a real one. */
export const CALIBRATION_TOKENS = 128;

/**
 * What the measured error is multiplied with. The largest of three samples stands for all samples a model will meet;
 * over a thousand samples of small and medium models the largest error was below half of this bound.
 */
const SAFETY = 4;
/** Below these, differences are the f32 pass's own rounding. */
const LEAST: ErrorBound = { loss: 1e-4, distance: 2e-5 };

/** Bytes that meet a model differently: words, noise, and one byte before padding. Deterministic. */
export function calibrationSamples(): Uint8Array[] {
  const words = new TextEncoder().encode(
    'It was late when the two of them came down from the hill; 1,024 lights lay below, and none was theirs. {"a": [1, 2]}\n'.repeat(
      2,
    ),
  );
  let state = 0x9e3779b9;
  const noise = Uint8Array.from({ length: CALIBRATION_TOKENS }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return [words.subarray(0, CALIBRATION_TOKENS), noise, Uint8Array.of(0x41)];
}

/** The error of `low` against `full`: the losses' difference and the distance between the unit embeddings. */
export function scoreError(low: RawScore, full: RawScore): ErrorBound {
  let dot = 0;
  let lowNorm = 0;
  let fullNorm = 0;
  for (const [i, x] of full.embedding.entries()) {
    const y = low.embedding[i]!;
    dot += x * y;
    fullNorm += x * x;
    lowNorm += y * y;
  }
  // |u - v| of unit vectors bounds |cos(u, t) - cos(v, t)| for every target t.
  const cosine = dot / Math.sqrt(lowNorm * fullNorm);
  return { loss: Math.abs(low.loss - full.loss), distance: Math.sqrt(Math.max(0, 2 - 2 * cosine)) };
}

/** A bound for all samples from the errors of the calibration samples; infinite where one was not finite. */
export function boundOf(errors: readonly ErrorBound[]): ErrorBound {
  const worst = (pick: (error: ErrorBound) => number): number =>
    errors.reduce((most, error) => (Number.isFinite(pick(error)) ? Math.max(most, pick(error)) : Infinity), 0);
  return {
    loss: Math.max(LEAST.loss, SAFETY * worst((error) => error.loss)),
    distance: Math.max(LEAST.distance, SAFETY * worst((error) => error.distance)),
  };
}

function boundFile(cacheDir: string, key: string): string {
  return path.join(cacheDir, `${key}.bound.json`);
}

/** A bound measured earlier for the same weights and level, if one was kept. */
export async function readBound(cacheDir: string, key: string): Promise<ErrorBound | undefined> {
  try {
    const { loss, distance } = JSON.parse(await readFile(boundFile(cacheDir, key), 'utf8')) as Partial<ErrorBound>;
    return typeof loss === 'number' && typeof distance === 'number' ? { loss, distance } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a bound for the next load. A cache that cannot be written costs a calibration, nothing else. */
export async function writeBound(cacheDir: string, key: string, bound: ErrorBound): Promise<void> {
  const file = boundFile(cacheDir, key);
  const partial = `${file}.${process.pid}.partial`;
  try {
    await writeFile(partial, JSON.stringify(bound));
    await rename(partial, file);
  } catch {}
}
