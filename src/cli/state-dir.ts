import { join, resolve } from 'node:path';
import { type Config, homeDirectory } from '../config/index.js';
import type { CliContext } from './context.js';

/** Where the store, the journal, weights and hosted data of a network lie: as set, else one directory per network. */
export function stateDirOf(config: Pick<Config, 'stateDir' | 'network'>, env: CliContext['env']): string {
  const home = join(homeOf(env), '.local', 'state', 'quarry');
  return resolve(config.stateDir ?? join(home, directoryName(config.network)));
}

/** Where processes of this user that spend one key's coins find out about each other, whatever their state directory. */
export function keysDirOf(env: CliContext['env']): string {
  return join(homeOf(env), '.local', 'state', 'quarry', 'keys');
}

/** Where measured speeds of engines are kept: beside the state as set, else one file for all networks. */
export function speedFileOf(config: Pick<Config, 'stateDir'>, env: CliContext['env']): string {
  return join(resolve(config.stateDir ?? join(homeOf(env), '.local', 'state', 'quarry')), 'engine-speed.json');
}

/** The user's home directory. */
export function homeOf(env: CliContext['env']): string {
  return homeDirectory(env);
}

/** A network's name, or the host and port of a URL, in characters every file system takes. */
function directoryName(network: string): string {
  return network.replace(/^https?:\/\//, '').replace(/[^a-zA-Z0-9.-]+/g, '_');
}
