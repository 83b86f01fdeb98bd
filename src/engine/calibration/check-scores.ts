import { QuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import type { ErrorBound, Score } from '../contract.js';
import { createScoringEngine, type EngineSpec } from '../engine-spec.js';
import { cosineDistance } from '../reference/competition.js';

/** Tolerated beyond an engine's own error bound: a fifth of what auditors accept in a loss, and far below any threshold. */
const TOLERANCE = { relativeLoss: 2e-3, distance: 1e-3 } as const;

/** The CPU engines that scores are checked against: the native core, or JavaScript without it. */
const TRUSTED: readonly EngineSpec[] = [{ engine: 'native', precision: 'f32' }, { engine: 'js' }];

/** Whether an engine computes on a device whose driver may compute wrongly. */
export function needsCheck({ engine, provider }: EngineSpec): boolean {
  return engine === 'onnx' && provider !== undefined && provider !== 'cpu';
}

/**
 * Scores a sample on the CPU.
 *
 * @throws QuarryError what loading or scoring throws
 */
export async function trustedScore(
  weights: WeightsFile,
  config: ModelConfig,
  sample: Uint8Array,
  signal?: AbortSignal,
): Promise<Score> {
  const engine = await createScoringEngine(TRUSTED[0]!).catch(() => createScoringEngine(TRUSTED[1]!));
  try {
    const model = await engine.load(weights, config, { signal });
    try {
      const [score] = await model.score([sample]);
      return score!;
    } finally {
      await model.close();
    }
  } finally {
    await engine.close();
  }
}

/**
 * Checks a device's score against the one computed on the CPU.
 *
 * @param bound the error that the engine states
 * @throws QuarryError `ENGINE_FAILED` if loss or embedding differ by more, or are not finite
 */
export function assertSameScore(got: Score, want: Score, bound: ErrorBound, device: string): void {
  const loss = Math.abs(got.loss - want.loss);
  const distance = cosineDistance(got.embedding, want.embedding);
  const isSame =
    loss <= TOLERANCE.relativeLoss * Math.abs(want.loss) + bound.loss &&
    distance <= TOLERANCE.distance + bound.distance;
  if (isSame) return;
  const [byLoss, byDistance] = [loss, distance].map((value) => value.toPrecision(2));
  throw new QuarryError(
    'ENGINE_FAILED',
    `scores on ${device} are wrong: the loss differs from the CPU's by ${byLoss}, the embedding by ${byDistance}`,
    { hint: "Update the GPU's driver, or choose --onnx-provider cpu." },
  );
}
