import { appendFileSync, readlinkSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

// Loaded into the miner before its own code: samples the main thread's stack every millisecond, and writes one line of
// JSON per window saying whose code ran, to the file that the soak names. Windows bound the memory used. Threads that
// read the journal for the page have a line each.

/** Samples of one window. */
export interface ProfileWindow {
  /** Milliseconds since the Unix epoch, at the window's end. */
  readonly atMs: number;
  /** In which JavaScript ran that the HTTP API or its page asked for. */
  readonly page: number;
  /** In which other JavaScript ran. */
  readonly other: number;
  /** Outside JavaScript and not idle: collections, and what libuv and V8 do by themselves. */
  readonly native: number;
}

/** A thread that reads a state directory. */
export interface ReaderThread {
  /** The kernel's number of it. */
  readonly tid: number;
}

const WINDOW_MS = 10_000;
const SAMPLE_US = 1_000;
/** What answers readers, and Node's HTTP server beneath it. */
const PAGE =
  /^node:_http_server|\/src\/(telemetry\/(api\/|miner-metrics)|cli\/(dashboard\/|mining\/miner-api)|miner\/journal\/(state-reader|cost-limit))/;

/** Counts whose work was seen: a sample is the page's when any frame of its stack is. */
export function windowOf({ nodes }: Profiler.Profile, atMs: number): ProfileWindow {
  const counts = { page: 0, other: 0, native: 0 };
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (id: number, inherited: boolean): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { url, functionName } = node.callFrame;
    const page = inherited || PAGE.test(url.startsWith('file:') ? fileURLToPath(url) : url);
    const hits = node.hitCount ?? 0;
    if (page) counts.page += hits;
    else if (functionName === '(program)' || functionName === '(garbage collector)') counts.native += hits;
    else if (functionName !== '(idle)') counts.other += hits;
    for (const child of node.children ?? []) visit(child, page);
  };
  if (nodes[0] !== undefined) visit(nodes[0].id, false);
  return { atMs, ...counts };
}

async function watch(path: string): Promise<never> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  for (;;) {
    await session.post('Profiler.start');
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS).unref());
    const { profile } = await session.post('Profiler.stop');
    appendFileSync(path, `${JSON.stringify(windowOf(profile, Date.now()))}\n`);
  }
}

/** What runs in a worker thread is known once its script is there. */
function nameReader(path: string): void {
  const session = new Session();
  session.connect();
  const scripts: string[] = [];
  session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
  const look = setInterval(async () => {
    await session.post('Debugger.enable');
    await session.post('Debugger.disable');
    const entry = scripts.find((url) => url.includes('/dist/workers/'));
    scripts.length = 0;
    if (entry === undefined) return;
    clearInterval(look);
    session.disconnect();
    const tid = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (entry.endsWith('/state.js')) appendFileSync(path, `${JSON.stringify({ tid } satisfies ReaderThread)}\n`);
  }, 1_000).unref();
}

// The file to write to comes with the module's own URL. Worker threads load it too.
const path = new URL(import.meta.url).searchParams.get('file');
if (path !== null && isMainThread) void watch(path);
else if (path !== null) nameReader(path);
