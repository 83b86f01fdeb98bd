import type { LoadedModel, ScoreOptions } from '../../engine/contract.js';
import type { ModelKey, Store } from '../../store/index.js';

/**
 * Scores samples of the store under a model, and stores the scores in place of earlier ones.
 *
 * @throws QuarryError `ABORTED` when the signal fires; also whatever scoring and the store throw
 */
export async function scoreStored(
  store: Pick<Store, 'sample' | 'appendScores'>,
  model: ModelKey,
  loaded: Pick<LoadedModel, 'score'>,
  sampleIds: readonly number[],
  options: ScoreOptions,
): Promise<void> {
  if (sampleIds.length === 0) return;
  const scores = await loaded.score(
    sampleIds.map((id) => store.sample(id).bytes),
    options,
  );
  await store.appendScores(
    model,
    scores.map((score, i) => ({ sampleId: sampleIds[i]!, ...score })),
  );
}
