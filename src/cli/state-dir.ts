import { join, resolve } from 'node:path';
import { type Config, homeDirectory } from '../config/index.js';
import { STATE_ENTRIES } from '../miner/state/state-entries.js';
import { withoutPasswords } from '../net/redact.js';
import type { CliContext } from './context.js';

/** Directory of a network's store, journal, weights and hosted data: the configured one, or a default per network. */
export function stateDirOf(config: Pick<Config, 'stateDir' | 'network'>, env: CliContext['env']): string {
  const home = join(homeOf(env), '.local', 'state', 'quarry');
  return resolve(config.stateDir ?? join(home, directoryName(config.network)));
}

/**
 * Directory of key locks, shared by all of this user's processes whatever their state directory, so that only one
 * spends a key's coins.
 */
export function keysDirOf(env: CliContext['env']): string {
  return join(homeOf(env), '.local', 'state', 'quarry', 'keys');
}

/** File with cached engine speeds: in the configured state directory, or one for all networks. */
export function speedFileOf(config: Pick<Config, 'stateDir'>, env: CliContext['env']): string {
  return join(resolve(config.stateDir ?? join(homeOf(env), '.local', 'state', 'quarry')), STATE_ENTRIES.engineSpeeds);
}

/** The user's home directory. */
export function homeOf(env: CliContext['env']): string {
  return homeDirectory(env);
}

/** Converts a network's name, or the host and port of a URL, to a portable file name. */
function directoryName(network: string): string {
  return withoutPasswords(network)
    .replace(/^https?:\/\//, '')
    .replace(/[^a-zA-Z0-9.-]+/g, '_');
}
