import { join } from 'node:path';
import type { Config } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import { type JournalHistory, openJournalHistory } from '../../miner/index.js';
import { STATE_ENTRIES } from '../../miner/state/state-entries.js';
import type { CliContext } from '../context.js';
import { stateDirOf } from '../state-dir.js';

/**
 * Runs with the journal of the configured state directory, and closes it.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when nothing was mined there
 */
export async function withHistory<T>(
  context: CliContext,
  config: Config,
  work: (history: JournalHistory) => T | Promise<T>,
): Promise<T> {
  const dir = stateDirOf(config, context.env);
  const history = openHistory(dir);
  try {
    return await work(history);
  } finally {
    history.close();
  }
}

function openHistory(dir: string): JournalHistory {
  try {
    return openJournalHistory(join(dir, STATE_ENTRIES.journal));
  } catch (cause) {
    if (!(cause instanceof QuarryError) || cause.code !== 'FILE_NOT_FOUND') throw cause;
    throw new QuarryError('FILE_NOT_FOUND', `no journal in ${dir}`, {
      cause,
      hint: 'name its directory with --state-dir, or its network with --network',
    });
  }
}
