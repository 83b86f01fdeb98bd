import type { IndexDatabase } from './index-database.js';
import type { SampleLog } from './sample-log.js';
import { type ScoreLogs, scoresMark } from './score-logs.js';
import type { StoreRepairs } from './store-types.js';

/** Name of the samples in the index's watermarks. */
export const SAMPLES_MARK = 'samples';

/** Makes the files of a store and its index consistent after the last writer died, and loads them. Writer only. */
export function repairStore(index: IndexDatabase, samples: SampleLog, scores: ScoreLogs): StoreRepairs {
  const marks = index.watermarks();
  const committed = marks.get(SAMPLES_MARK) ?? 0;
  const { lost, adopted } = samples.repair(committed);
  samples.load(Number.MAX_SAFE_INTEGER);
  samples.loadTombstones();
  if (lost > 0) index.forgetSamplesFrom(committed - lost);
  if (adopted > 0) index.commit(SAMPLES_MARK, samples.count, checksumsFrom(samples, committed));
  let scoresLost = 0;
  let scoresAdopted = 0;
  for (const rows of scores.repair(marks)) {
    scoresLost += rows.lost;
    scoresAdopted += rows.adopted;
    if (rows.lost + rows.adopted > 0) index.commit(scoresMark(rows.log.key), rows.log.count);
  }
  return {
    samplesLost: lost,
    samplesAdopted: adopted,
    scoresLost,
    scoresAdopted,
    indexRebuilt: index.rebuilt && committed + adopted > 0,
  };
}

function* checksumsFrom(samples: SampleLog, first: number): Generator<readonly [Uint8Array, number]> {
  for (let id = first; id < samples.count; id++) {
    const record = samples.record(id);
    if (record?.kind === 'sample') yield [record.checksum, id];
  }
}
