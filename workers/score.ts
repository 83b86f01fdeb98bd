import { platform, setPriority } from 'node:os';
import { BroadcastChannel } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina';
import type { ReleaseMessage, ScoreTask, ScoreTaskResult, ScoreWorkerData } from '../src/engine/pool/score-task.js';
import { ScoreWorker } from '../src/engine/pool/score-worker.js';

/** Halfway down the scale of 19: below interactive work, above background tasks. */
const SCORING_NICENESS = 10;

// On Linux this sets the priority of this thread and those it starts, so that scoring yields to the main thread, which
// races for targets.
if (platform() === 'linux') setPriority(SCORING_NICENESS);

const worker = new ScoreWorker(workerData as ScoreWorkerData);

const releases = new BroadcastChannel((workerData as ScoreWorkerData).releases);
releases.onmessage = (event) => {
  const message = (event as { data: ReleaseMessage }).data;
  if (!('release' in message)) return;
  const answer: ReleaseMessage = { released: message.release };
  void worker.release(message.release).finally(() => releases.postMessage(answer));
};
releases.unref();

/** One scoring task; the embeddings are transferred, not copied. */
export async function score(task: ScoreTask): Promise<ScoreTaskResult> {
  const result = await worker.run(task);
  if (result.kind !== 'scores') return result;
  const transferred: unknown = move({ [transferableSymbol]: result.embeddings.buffer, [valueSymbol]: result });
  return transferred as ScoreTaskResult;
}
