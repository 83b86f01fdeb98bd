import { workerData } from 'node:worker_threads';
import { move } from 'piscina';
import type { ScoreTask, ScoreTaskResult, ScoreWorkerData } from '../src/engine/pool/score-task.js';
import { ScoreWorker } from '../src/engine/pool/score-worker.js';

// piscina hands its own data and the pool's in one pair.
const worker = new ScoreWorker((workerData as [unknown, ScoreWorkerData])[1]);

/** One scoring task; the embeddings are transferred, not copied. */
export async function score(task: ScoreTask): Promise<ScoreTaskResult> {
  const result = await worker.run(task);
  return (result.kind === 'scores' ? { ...result, embeddings: move(result.embeddings) } : result) as ScoreTaskResult;
}
