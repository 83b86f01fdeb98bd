import { readFile, rename, stat } from 'node:fs/promises';

/** Sets a log aside by another name, as logrotate does before it sends SIGHUP. It may be gone: its writer rotates as well. */
export async function rotateLog(path: string): Promise<void> {
  await rename(path, `${path}.aside`).catch(() => {});
}

/**
 * Reports a log that is no longer written although its disk works.
 *
 * @param calmMs how long the disk has worked without a fault
 */
export async function silentLog(path: string, calmMs: number): Promise<string[]> {
  const now = Date.now();
  try {
    const { mtimeMs } = await stat(path);
    if (now - mtimeMs > calmMs) return [`the log was written last ${Math.round((now - mtimeMs) / 1_000)} s ago`];
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    JSON.parse(lines.at(-1) ?? '');
    return [];
  } catch (error) {
    return [`the log cannot be read: ${(error as Error).message}`];
  }
}
