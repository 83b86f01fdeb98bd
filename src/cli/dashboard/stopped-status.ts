import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalHistory } from '../../miner/index.js';
import { storeDirOf } from '../../miner/state/state-entries.js';
import { packageVersion } from '../../package/package-version.js';
import type { MinerStatus } from '../../telemetry/api/api-types.js';
import type { DiskWatch } from './disk-watch.js';

/** A miner's status read from its state directory, whether it is running or not. */
export function stoppedStatus(
  stateDir: string,
  network: string | undefined,
  history: JournalHistory,
  disk: DiskWatch,
): () => MinerStatus {
  const version = packageVersion();
  return () => ({
    at: new Date().toISOString(),
    version,
    live: false,
    controllable: false,
    network,
    stateDir,
    address: undefined,
    totals: history.totals(),
    run: undefined,
    nodes: [],
    models: [],
    engine: undefined,
    store: { samples: undefined, bytes: bytesIn(storeDirOf(stateDir)), diskFreeBytes: disk.freeBytes },
    fleet: undefined,
  });
}

/** Total file size of a store; `undefined` if it does not exist. */
function bytesIn(dir: string): number | undefined {
  try {
    let bytes = 0;
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
    }
    return bytes;
  } catch {
    return undefined;
  }
}
