import type { ScoreLog } from './score-log.js';

/** f32 implementations of a model differ by this much in the loss: a smaller lead decides nothing. */
export const F32_LOSS_BOUND = 1e-5;
/** Error of a bf16 or f16 loss where no engine has measured it, and the least to expect: bf16 has 8 significant bits. */
export const LOW_PRECISION_LOSS_BOUND = 2e-3;

/** Absolute error bounds of losses, within which the order of two losses is uncertain. */
export interface LossErrorBound {
  /** Bound of f32 losses. Default 1e-5. */
  readonly f32?: number | undefined;
  /** Bound of bf16 and f16 losses, as measured by the engine at load. Default 2e-3. */
  readonly low?: number | undefined;
}

/** The bound that applies to a row. */
export function lossBoundOf(
  log: ScoreLog,
  row: number,
  { f32 = F32_LOSS_BOUND, low = LOW_PRECISION_LOSS_BOUND }: LossErrorBound,
): number {
  return log.precision(row) === 'f32' ? f32 : low;
}
