import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/index.js';
import { QuarryError } from '../errors/index.js';
import { storeDirOf } from '../miner/state/state-entries.js';
import { openStore, type Store } from '../store/index.js';
import { INDEX_FILE } from '../store/index-database.js';
import { readModelFile } from '../store/model-file.js';
import type { CliContext } from './context.js';
import { stateDirOf } from './state-dir.js';

/** Width used if nothing is scored yet and the width is unknown. */
const ANY_WIDTH = 1;

/**
 * Opens the store of the state directory, whatever the width of its embeddings.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when it does not exist
 * @throws QuarryError `STORE_LOCKED` when opened for writing while a miner uses it
 */
export async function openNetworkStore(
  context: CliContext,
  config: Config,
  options: { readonly readonly: boolean },
): Promise<Store> {
  const dir = storeDirOf(stateDirOf(config, context.env));
  if (!existsSync(join(dir, INDEX_FILE))) {
    throw new QuarryError('FILE_NOT_FOUND', `no store in ${dir}`, {
      hint: 'name the state directory of a miner with --state-dir, or its --network',
    });
  }
  return openStore({ dir, embeddingDim: await widthOf(dir), ...options });
}

async function widthOf(dir: string): Promise<number> {
  const names = await readdir(join(dir, 'scores')).catch(() => []);
  for (const name of names) {
    const key = readModelFile(join(dir, 'scores', name));
    if (key?.embeddingDim !== undefined) return key.embeddingDim;
  }
  return ANY_WIDTH;
}
