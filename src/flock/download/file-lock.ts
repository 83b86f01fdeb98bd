import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { FlockError } from '../errors.js';

/** Keeps a second process away from a file until released. */
export interface FileLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Start of that process as the kernel counts it: a reused process id is not the same process. */
  readonly started: string | null;
}

/**
 * Takes the lock file `path`, which holds this process's id. One left behind by a process that is gone is taken over.
 *
 * @throws FlockError `FLOCK_DOWNLOAD_LOCKED` when another download holds it
 */
export async function lockFile(path: string): Promise<FileLock> {
  const mine = JSON.stringify({ pid: process.pid, started: await processStart(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(mine);
      await handle.close();
      return { release: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = await readFile(path, 'utf8').catch(() => undefined);
    if (held === undefined) continue;
    const holder = parseHolder(held);
    if (holder === undefined || (await isRunning(holder))) throw locked(path, holder);
    await takeOver(path, held);
  }
  throw locked(path, undefined);
}

/** Moves a stale lock aside; puts it back when it turns out to be a newer one that came in between. */
async function takeOver(path: string, stale: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}-${Date.now()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // Somebody else took it over first.
  }
  const moved = await readFile(aside, 'utf8').catch(() => stale);
  if (moved !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function locked(path: string, holder: Holder | undefined): FlockError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new FlockError('FLOCK_DOWNLOAD_LOCKED', `${who} is downloading to the same file`, {
    hint: `Wait for it, choose another file with -o, or remove ${path} when no download is running.`,
    details: { lock: path, ...(holder !== undefined && { pid: holder.pid }) },
  });
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    return typeof value.pid === 'number' ? { pid: value.pid, started: value.started ?? null } : undefined;
  } catch {
    return undefined;
  }
}

async function isRunning(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return holder.started === null || holder.started === ((await processStart(holder.pid)) ?? holder.started);
}

/** Field 22 of `/proc/<pid>/stat` (start time in clock ticks), null where there is no such file. */
async function processStart(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
