import { join } from 'node:path';

/** Names of what a state directory holds. They are part of its format: later versions read what earlier ones wrote. */
export const STATE_ENTRIES = {
  /** Submissions, claims, hosted data and positions in sources. */
  journal: 'journal.db',
  /** The embedding store. */
  store: 'store',
  /** State over time, for charts. */
  vitals: 'vitals.db',
  /** Weights, decrypted. */
  weights: 'weights',
  /** Weights packed for the native engine. */
  packed: 'packed',
  /** Measured speeds of scoring engines. */
  engineSpeeds: 'engine-speed.json',
  /** Submitted bytes that this machine serves. */
  hosted: 'hosted',
  /** The port it served them on last. */
  hostedPort: 'hosted.port',
  /** State directories of processes that score for the miner. */
  shared: 'shared',
  /** Lock and key of the process that mines, where several share the directory. */
  role: 'role',
} as const;

/** Path of the store in a state directory. */
export function storeDirOf(stateDir: string): string {
  return join(stateDir, STATE_ENTRIES.store);
}
