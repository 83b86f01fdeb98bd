import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { toQuarryError } from '../errors/index.js';
import { refuseExposed } from './exposed-secret.js';
import type { Setting } from './setting.js';
import { SETTINGS } from './settings/index.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment with the variables of a `.env` file beneath it: what the environment says goes first.
 *
 * @param named the file; without it `.env` in the working directory is read, if present
 * @throws QuarryError `FILE_NOT_FOUND` when the named file does not exist, `FILE_UNREADABLE` when a file cannot be read
 * @throws QuarryError `KEY_FILE_UNSAFE` when it holds a wallet's key and others can read it
 */
export async function withEnvFile(env: Env, named?: string): Promise<Env> {
  const path = named ?? '.env';
  let variables: Env;
  try {
    variables = parseEnv(await readFile(path, 'utf8')) as Env;
  } catch (error) {
    // Python's virtual environments are often a directory of this name.
    if (named === undefined && ['ENOENT', 'EISDIR'].includes(String((error as NodeJS.ErrnoException).code))) return env;
    throw toQuarryError(error, `reading ${path}`);
  }
  await refuseExposed(path, walletKeyIn(variables));
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  return { ...variables, ...given };
}

/**
 * A wallet's key among variables. Tokens of services do not count, as they do in a config file: a directory's `.env` is
 * other programs' too, which put them there, and a token can be replaced; what a wallet's key opens is gone.
 */
function walletKeyIn(variables: Env): string | undefined {
  const keys = Object.values(SETTINGS as Readonly<Record<string, Setting>>).filter(({ secret }) => secret === 'wallet');
  return keys.map(({ env }) => env).find((name) => name !== undefined && variables[name] !== undefined);
}
