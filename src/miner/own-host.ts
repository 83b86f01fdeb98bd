import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { assertRegularFile } from '../files/regular-file.js';
import { HttpHost } from '../hosting/index.js';
import { STATE_ENTRIES } from './state/state-entries.js';

/**
 * Hosts data on this machine, for local networks. Reuses the port of earlier runs, as URLs on chain outlive the
 * process.
 *
 * @param isEnough whether a host that only this machine can reach is enough
 * @throws QuarryError `CONFIG_MISSING` when it is not
 * @throws QuarryError `FILE_UNREADABLE` or `DISK_FULL` when the port cannot be read or saved
 */
export async function ownHost(stateDir: string, isEnough: boolean): Promise<HttpHost> {
  if (!isEnough) {
    throw new QuarryError('CONFIG_MISSING', 'submitted data must be hosted where anyone can fetch it', {
      hint: 'give a host: an S3Host, or an HttpHost with a publicUrl',
    });
  }
  const dir = join(stateDir, STATE_ENTRIES.hosted);
  const portFile = join(stateDir, STATE_ENTRIES.hostedPort);
  assertRegularFile(portFile);
  const before = Number(await readFile(portFile, 'utf8').catch(() => '0'));
  const host = await HttpHost.listen({ dir, port: before }).catch(() => HttpHost.listen({ dir, port: 0 }));
  try {
    await writeFile(portFile, String(host.port));
  } catch (error) {
    // An open server would keep the process alive.
    await host.close();
    throw toQuarryError(error, `remembering the data host's port in ${portFile}`);
  }
  return host;
}
