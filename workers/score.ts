import { platform, setPriority } from 'node:os';
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina';
import type { ScoreTask, ScoreTaskResult, ScoreWorkerData } from '../src/engine/pool/score-task.js';
import { ScoreWorker } from '../src/engine/pool/score-worker.js';

/** Halfway down the scale of 19: below interactive work, above what is meant to idle. */
const SCORING_NICENESS = 10;

// On Linux a priority belongs to the thread that sets it, and to those it starts: the main thread, which races for
// targets, goes before the scoring.
if (platform() === 'linux') setPriority(SCORING_NICENESS);

const worker = new ScoreWorker(workerData as ScoreWorkerData);

/** One scoring task; the embeddings are transferred, not copied. */
export async function score(task: ScoreTask): Promise<ScoreTaskResult> {
  const result = await worker.run(task);
  if (result.kind !== 'scores') return result;
  const transferred: unknown = move({ [transferableSymbol]: result.embeddings.buffer, [valueSymbol]: result });
  return transferred as ScoreTaskResult;
}
