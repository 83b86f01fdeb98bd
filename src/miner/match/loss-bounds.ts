import type { LossErrorBound } from '../../store/index.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';

/** What matching asks of the models. */
export type MatchModels = Pick<ModelCatalogue, 'active' | 'get' | 'keysOf' | 'loaded'>;

/** f32 implementations of the same model differ by this much in the loss; below it no score can tell who wins. */
export const F32_LOSS_NOISE = 1e-5;
/** A measured bound below this would be luck: bf16 rounds to 8 bits. */
const LEAST_LOW_PRECISION_BOUND = 2e-3;

/**
 * How far losses may be off. In low precision: the widest bound measured. Rows may come from an earlier run with
 * another engine; while a model's bound is not known here, every one of them is a near-tie.
 */
export function lossBounds(models: MatchModels): LossErrorBound {
  const bounds = models.active.map((model) => models.loaded(model)?.errorBound.loss ?? 0);
  const known = !bounds.some((loss) => loss === 0);
  const low = known ? Math.max(LEAST_LOW_PRECISION_BOUND, ...bounds) : Number.POSITIVE_INFINITY;
  return { f32: F32_LOSS_NOISE, low };
}
