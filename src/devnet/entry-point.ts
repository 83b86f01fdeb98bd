import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A module to be started as a thread or process of its own. */
export interface EntryPoint {
  readonly url: URL;
  /** What Node needs to run it. */
  readonly execArgv: readonly string[];
}

/**
 * Finds a module beside this one: as it was built, or as TypeScript when running from the sources, which tsx then
 * loads.
 *
 * @param built URL of the `.js` file
 */
export function entryPoint(built: URL): EntryPoint {
  if (existsSync(fileURLToPath(built))) return { url: built, execArgv: [] };
  return { url: new URL(built.href.replace(/\.js$/, '.ts')), execArgv: ['--import', 'tsx'] };
}
