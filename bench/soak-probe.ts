import { appendFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// Loaded into the miner before its own code, with `--expose-gc`: writes one line of JSON at intervals about the memory
// of the process, to the file that the soak names. It does not change what the miner does.

/** What one look at a process found, in bytes. */
export interface MemorySample {
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly rss: number;
  /** Memory that no file backs: heaps, stacks, buffers. Systems without `/proc` tell `rss` here. */
  readonly anonymous: number;
  /** Mapped files: weights, rows, libraries. The kernel takes it back at will. */
  readonly file: number;
  /** After a full collection. */
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** Resident memory of a process, split by what backs it; `undefined` where the system does not tell. */
export function residentOf(pid: number | 'self'): { anonymous: number; file: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
    return { anonymous: bytes('RssAnon'), file: bytes('RssFile') + bytes('RssShmem') };
  } catch {
    return undefined;
  }
}

/** Looks at this process, after a full collection where it was started with `--expose-gc`. */
export function memoryNow(): MemorySample {
  globalThis.gc?.();
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  const { anonymous, file } = residentOf('self') ?? { anonymous: rss, file: 0 };
  return { atMs: Date.now(), rss, anonymous, file, heapUsed, heapTotal, external, arrayBuffers };
}

// The file to write to comes with the module's own URL. Worker threads load it too; the main thread looks for all of them.
const { searchParams } = new URL(import.meta.url);
const path = searchParams.get('file');
if (path !== null && isMainThread) {
  const everyMs = Number(searchParams.get('everyMs') ?? 10_000);
  setInterval(() => appendFileSync(path, `${JSON.stringify(memoryNow())}\n`), everyMs).unref();
}
