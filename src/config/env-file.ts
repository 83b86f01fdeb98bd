import { readFile, stat } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { exposedTo } from '../files/exposed-file.js';

type Env = Readonly<Record<string, string | undefined>>;

/** The variable whose loss costs coins: a file with it is for its owner only. */
const WALLET_KEY = 'SOMA_SECRET_KEY';

/**
 * The environment with the variables of a `.env` file beneath it: what the environment says goes first.
 *
 * @param named the file; without it `.env` in the working directory is read, if present
 * @throws QuarryError `FILE_NOT_FOUND` when the named file does not exist
 * @throws QuarryError `KEY_FILE_UNSAFE` when it holds a wallet's key and others can read it
 */
export async function withEnvFile(env: Env, named?: string): Promise<Env> {
  const path = named ?? '.env';
  let variables: Env;
  try {
    variables = parseEnv(await readFile(path, 'utf8')) as Env;
  } catch (error) {
    if (named === undefined) return env;
    throw toQuarryError(error, `reading ${named}`);
  }
  const exposed = variables[WALLET_KEY] === undefined ? undefined : exposedTo(await stat(path));
  if (exposed !== undefined) {
    throw new QuarryError('KEY_FILE_UNSAFE', `${path} holds ${WALLET_KEY} and is open to ${exposed}`, {
      hint: `chmod 600 ${path}`,
    });
  }
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  return { ...variables, ...given };
}
