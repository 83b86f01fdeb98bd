import { parseEnv } from 'node:util';
import { toQuarryError } from '../errors/index.js';
import { type ReadNamedFileOptions, readNamedFile } from '../files/named-file.js';
import { refuseExposed } from './exposed-secret.js';
import type { Setting } from './setting.js';
import { SETTINGS } from './settings/index.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Returns the environment merged with the variables of a `.env` file. The environment takes precedence.
 *
 * @param named the file; if undefined, `.env` in the working directory is read, if present
 * @throws QuarryError `FILE_NOT_FOUND` when the named file does not exist, `FILE_UNREADABLE` when a file cannot be
 * read
 * @throws QuarryError `KEY_FILE_UNSAFE` when the file contains a wallet key and is readable by other users
 */
export async function withEnvFile(
  env: Env,
  named: string | undefined,
  options: Pick<ReadNamedFileOptions, 'allowEmptyFifo' | 'signal'>,
): Promise<Env> {
  const path = named ?? '.env';
  let variables: Env;
  try {
    variables = parseEnv((await readNamedFile(path, options)).toString('utf8')) as Env;
  } catch (error) {
    // EISDIR: Python virtual environments are often directories named `.env`.
    const failure = toQuarryError(error, `reading ${path}`);
    if (named === undefined && ['ENOENT', 'EISDIR'].includes(String(failure.details['errno']))) return env;
    throw failure;
  }
  await refuseExposed(path, walletKeyIn(variables));
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  return { ...variables, ...given };
}

/**
 * Finds a wallet key among the variables. Unlike in a config file, service tokens are tolerated: `.env` is shared with
 * other programs, and a leaked token can be revoked while a leaked wallet key cannot.
 */
function walletKeyIn(variables: Env): string | undefined {
  const keys = Object.values(SETTINGS as Readonly<Record<string, Setting>>).filter(({ secret }) => secret === 'wallet');
  return keys.map(({ env }) => env).find((name) => name !== undefined && variables[name] !== undefined);
}
