import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { assertRegularFile } from '../../files/regular-file.js';
import { sleep } from '../sleep.js';

const LOOK_AGAIN_MS = 500;
/** A lock file without a process id is stale after this time: its creator was killed before writing it. */
const UNNAMED_MS = 10_000;

/** Exclusive lock on a file across processes, until released. */
export interface FileLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Start time of the process according to the kernel, which detects reused process ids. */
  readonly started: string | null;
}

/**
 * Takes the lock file `path`, which contains this process's id. A lock left by a dead process is taken over.
 *
 * @throws QuarryError `STORE_LOCKED` when another download holds it
 * @throws QuarryError `DISK_FULL`, `PERMISSION_DENIED` … when the file cannot be written
 */
export async function lockFile(path: string): Promise<FileLock> {
  const mine = JSON.stringify({ pid: process.pid, started: await processStart(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await create(path, mine);
      return { release: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw toQuarryError(error, `locking ${path}`);
    }
    assertRegularFile(path);
    const held = await readFile(path, 'utf8').catch(() => undefined);
    if (held === undefined) continue;
    const holder = parseHolder(held);
    if (holder === undefined ? await isFresh(path) : await isRunning(holder)) throw locked(path, holder);
    await takeOver(path, held);
  }
  throw locked(path, undefined);
}

/**
 * Waits for the lock file `path` to be free and takes it.
 *
 * @throws QuarryError `ABORTED` when the signal fires first
 */
export async function lockFileWhenFree(path: string, signal?: AbortSignal): Promise<FileLock> {
  for (;;) {
    try {
      return await lockFile(path);
    } catch (error) {
      if (!(error instanceof QuarryError) || error.code !== 'STORE_LOCKED') throw error;
    }
    await sleep(LOOK_AGAIN_MS, signal);
  }
}

/** Creates the file, which must not exist; removes it again if writing fails. */
async function create(path: string, content: string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(content);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Moves a stale lock aside, and restores it if it turns out to be a newer lock created meanwhile. */
async function takeOver(path: string, stale: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}-${Date.now()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // Another process took it over first.
  }
  const moved = await readFile(aside, 'utf8').catch(() => stale);
  if (moved !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function locked(path: string, holder: Holder | undefined): QuarryError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return new QuarryError('STORE_LOCKED', `${who} is downloading to the same file`, {
    hint: `Wait for it, choose another file, or remove ${path} when no download is running.`,
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

/** Whether the process that created the lock may still be about to write its id. */
async function isFresh(path: string): Promise<boolean> {
  const made = await stat(path).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs < UNNAMED_MS;
}

async function isRunning(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: the process exists but belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return holder.started === null || holder.started === ((await processStart(holder.pid)) ?? holder.started);
}

/** Field 22 of `/proc/<pid>/stat` (start time in clock ticks); null if the file does not exist. */
async function processStart(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
