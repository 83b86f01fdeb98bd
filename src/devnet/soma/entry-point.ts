import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A module to run as a separate process. */
export interface EntryPoint {
  readonly path: string;
  /** Node flags needed to run it. */
  readonly execArgv: readonly string[];
}

/**
 * Entry point for running a module as a process: the built module or, when running from sources, the TypeScript file
 * loaded by tsx.
 *
 * @param built URL of the `.js` file
 */
export function processEntry(built: URL): EntryPoint {
  const path = fileURLToPath(built);
  if (existsSync(path)) return { path, execArgv: [] };
  // Resolve tsx from here, not from the working directory.
  return { path: path.replace(/\.js$/, '.ts'), execArgv: ['--import', import.meta.resolve('tsx')] };
}
