import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A module to be started as a process of its own. */
export interface EntryPoint {
  readonly path: string;
  /** What Node needs to run it. */
  readonly execArgv: readonly string[];
}

/**
 * How to start a module as a process: as it was built, or as TypeScript when running from the sources, which tsx then
 * loads.
 *
 * @param built URL of the `.js` file
 */
export function processEntry(built: URL): EntryPoint {
  const path = fileURLToPath(built);
  if (existsSync(path)) return { path, execArgv: [] };
  // Found from here, not from wherever the process was started.
  return { path: path.replace(/\.js$/, '.ts'), execArgv: ['--import', import.meta.resolve('tsx')] };
}
