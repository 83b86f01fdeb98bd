import { readdirSync, readFileSync } from 'node:fs';
import type { ProfileWindow, ReaderThread } from '../../bench/profile-probe.js';

/** Processor seconds by thread id, of threads that ended too. */
export type ThreadSeconds = Map<number, number>;

/** Adds what the threads of a process have taken until now. A thread that ended keeps what it was last seen with. */
export function lookAtThreads(pid: number, seen: ThreadSeconds): void {
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${name}/schedstat`, 'utf8').split(' ');
      seen.set(Number(name), Number(nanoseconds) / 1e9);
    } catch {
      // It ended meanwhile.
    }
  }
}

/** What a miner's readers cost it over a while, each a share of a core. */
export interface PageCost {
  /** On the main thread: its processor time, by the share of samples in which the page's work was seen. */
  readonly main: number;
  /** Of the threads that read the journal for them. */
  readonly readers: number;
}

/**
 * @param before threads when it began
 * @param after threads when it ended
 * @param windows what was sampled meanwhile
 * @param readers ids of threads that read the journal
 * @param seconds how long it was
 */
export function pageCost(
  pid: number,
  {
    before,
    after,
    windows,
    readers,
    seconds,
  }: {
    readonly before: ThreadSeconds;
    readonly after: ThreadSeconds;
    readonly windows: readonly ProfileWindow[];
    readonly readers: readonly number[];
    readonly seconds: number;
  },
): PageCost {
  const sum = (of: (window: ProfileWindow) => number): number =>
    windows.reduce((total, window) => total + of(window), 0);
  const page = sum((window) => window.page);
  const seen = page + sum((window) => window.other);
  const main = (after.get(pid) ?? 0) - (before.get(pid) ?? 0);
  const reading = readers.reduce((total, tid) => total + (after.get(tid) ?? 0) - (before.get(tid) ?? 0), 0);
  return { main: seen === 0 ? 0 : ((page / seen) * main) / seconds, readers: reading / seconds };
}

/** What the probe has written so far. */
export function probed(path: string): { windows: ProfileWindow[]; readers: number[] } {
  const lines: (ProfileWindow | ReaderThread)[] = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return {
    windows: lines.filter((line) => 'atMs' in line),
    readers: lines.flatMap((line) => ('tid' in line ? [line.tid] : [])),
  };
}
