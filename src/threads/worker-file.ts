import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QuarryError } from '../errors/index.js';

/** Modules of `workers/`, which run in worker threads; `adapter` runs as a process. */
export type WorkerName = 'adapter' | 'call' | 'parquet' | 'score' | 'state';

/**
 * Path of a worker's compiled module. When running from sources, uses the build's modules, because worker threads lack
 * the TypeScript loader.
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
