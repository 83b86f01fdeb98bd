import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { assertRegularFile } from '../../files/regular-file.js';
import { replaceFile } from '../../files/replace-file.js';
import type { ErrorBound, Score } from '../contract.js';

/** Tokens per calibration chunk, a sixteenth of the protocol's: enough to exercise attention, and quick to score. */
export const CALIBRATION_TOKENS = 64;

/**
 * Safety factor on the largest measured error, since a few samples stand for all. The conformance tests check the bound
 * on 1,000 samples of four models (widths 16 to 512, 2 to 8 layers; words, noise, repeated bytes, short samples); the
 * worst reached a third of it.
 */
const SAFETY = 5;
/** Version of the calibration; cached bounds of other versions are measured again. */
const CALIBRATION_VERSION = 1;
/** Minimum bound: smaller differences are rounding of the f32 pass itself. */
const LEAST: ErrorBound = { loss: 1e-4, distance: 2e-5 };

/**
 * Samples that exercise a model in different ways: words, noise, one byte before padding, and single repeated bytes.
 * The last are worst for the loss: all positions err in the same direction, so nothing averages out. Deterministic.
 */
export function calibrationSamples(): Uint8Array[] {
  const words = new TextEncoder().encode('It was late when the two of them came down; 1,024 lights lay below.');
  let state = 0x9e3779b9;
  const noise = Uint8Array.from({ length: CALIBRATION_TOKENS }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  const repeated = [0x00, 0x0a, 0x20, 0x45, 0x65, 0x80, 0xc3, 0xff].map((byte) =>
    new Uint8Array(CALIBRATION_TOKENS).fill(byte),
  );
  return [words.subarray(0, CALIBRATION_TOKENS), noise, Uint8Array.of(0x41), ...repeated];
}

/** The numbers of a score, in any precision. */
type Numbers = Pick<Score, 'loss' | 'embedding'>;

/** The error of `low` relative to `full`: difference of the losses and distance between the unit embeddings. */
export function scoreError(low: Numbers, full: Numbers): ErrorBound {
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

/** Derives a bound for all samples from the calibration errors; infinite if any of them is not finite. */
export function boundOf(errors: readonly ErrorBound[]): ErrorBound {
  const worst = (pick: (error: ErrorBound) => number): number =>
    errors.reduce((most, error) => (Number.isFinite(pick(error)) ? Math.max(most, pick(error)) : Infinity), 0);
  return {
    loss: Math.max(LEAST.loss, SAFETY * worst((error) => error.loss)),
    distance: Math.max(LEAST.distance, SAFETY * worst((error) => error.distance)),
  };
}

function boundFile(cacheDir: string, key: string): string {
  return path.join(cacheDir, `${key}.v${CALIBRATION_VERSION}.bound.json`);
}

/** Reads a cached bound for the same weights and level, if any. */
export async function readBound(cacheDir: string, key: string): Promise<ErrorBound | undefined> {
  try {
    const file = boundFile(cacheDir, key);
    assertRegularFile(file);
    const { loss, distance } = JSON.parse(await readFile(file, 'utf8')) as Partial<ErrorBound>;
    return typeof loss === 'number' && typeof distance === 'number' ? { loss, distance } : undefined;
  } catch {
    return undefined;
  }
}

/** Caches a bound for the next load. A failed write is ignored: it only costs another calibration. */
export async function writeBound(cacheDir: string, key: string, bound: ErrorBound): Promise<void> {
  await replaceFile(boundFile(cacheDir, key), JSON.stringify(bound), { mode: 0o666 }).catch(() => {});
}
