import { move, transferableSymbol, valueSymbol, workerData } from 'piscina';
import type { ScoreTask, ScoreTaskResult, ScoreWorkerData } from '../src/engine/pool/score-task.js';
import { ScoreWorker } from '../src/engine/pool/score-worker.js';

const worker = new ScoreWorker(workerData as ScoreWorkerData);

/** One scoring task; the embeddings are transferred, not copied. */
export async function score(task: ScoreTask): Promise<ScoreTaskResult> {
  const result = await worker.run(task);
  if (result.kind !== 'scores') return result;
  const transferred: unknown = move({ [transferableSymbol]: result.embeddings.buffer, [valueSymbol]: result });
  return transferred as ScoreTaskResult;
}
