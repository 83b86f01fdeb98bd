import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/index.js';
import type { CliContext } from './context.js';

/** Where the store, the journal, weights and hosted data of a network lie: as set, else one directory per network. */
export function stateDirOf(config: Pick<Config, 'stateDir' | 'network'>, env: CliContext['env']): string {
  if (config.stateDir !== undefined) return config.stateDir;
  const base = env['XDG_STATE_HOME'] || join(homeOf(env), '.local', 'state');
  return join(base, 'quarry', directoryName(config.network));
}

/** The user's home directory. */
export function homeOf(env: CliContext['env']): string {
  return env['HOME'] || homedir();
}

/** A network's name, or the host and port of a URL, in characters every file system takes. */
function directoryName(network: string): string {
  const name = network.replace(/^[a-z]+:\/\//i, '').replace(/[^A-Za-z0-9.-]+/g, '_');
  return name.replace(/^\.+|_+$/g, '') || 'network';
}
