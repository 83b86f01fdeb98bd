import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QuarryError } from '../errors/index.js';

/** What runs in threads of its own: the modules of `workers/`. */
export type WorkerName = 'call' | 'parquet' | 'score' | 'state';

/**
 * The compiled module of a thread. Sources run under a loader that threads do not have, so they use the build's.
 *
 * @throws QuarryError `INTERNAL` when there is no build
 */
export function workerFile(name: WorkerName): string {
  for (const place of ['../../workers', '../../dist/workers']) {
    const path = fileURLToPath(new URL(`${place}/${name}.js`, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new QuarryError('INTERNAL', `the module of the thread "${name}" is missing`, { hint: 'run: npm run build' });
}
