import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** The user's home directory, or the working directory if there is none, as for a user id without an account. */
export function homeDirectory(env: Env): string {
  const home = nonEmpty(env, 'HOME');
  if (home !== undefined) return home;
  try {
    // With an empty HOME the first is empty, too.
    return homedir() || userInfo().homedir;
  } catch {
    return resolve('.');
  }
}

/** The directory of this user's settings. */
export function configHome(env: Env): string {
  return nonEmpty(env, 'XDG_CONFIG_HOME') ?? join(homeDirectory(env), '.config');
}

/** The directory of this user's state. */
export function stateHome(env: Env): string {
  return nonEmpty(env, 'XDG_STATE_HOME') ?? join(homeDirectory(env), '.local', 'state');
}

/** An empty variable counts as unset: joined with a name it would be a path in the working directory. */
function nonEmpty(env: Env, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}
