import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import {
  createCutStats,
  resolveSources,
  type Sample,
  type SampleStreamOptions,
  type SourceUnit,
  sampleStream,
} from '../../src/sources/index.js';
import { listen } from '../loopback-server.js';

const QUICK = { attempts: 3, backoff: { baseMs: 2, maxMs: 4 } };
const http = new HttpClient();
const kilobytes = (name: string): Buffer =>
  Buffer.from(['1', '2', '3'].map((n) => `${name}${n}`.padEnd(1024, '.')).join(''));

/** Serves `/a`, `/b` and `/c`, three samples each; what `answer` returns for a path and its number replaces the file. */
async function server(answer: (path: string, request: number) => 'whole' | 'cut' | number) {
  const asked = new Map<string, number>();
  const loopback = await listen((request, response) => {
    const path = request.url ?? '';
    const count = (asked.get(path) ?? 0) + 1;
    asked.set(path, count);
    const what = answer(path, count);
    if (typeof what === 'number') return void response.writeHead(what).end();
    const bytes = kilobytes(path);
    response.writeHead(200, { 'content-length': bytes.length });
    if (what === 'whole') return void response.end(bytes);
    response.write(bytes.subarray(0, 2048 + 10));
    setTimeout(() => response.destroy(), 20);
  });
  const units = await resolveSources(
    ['/a', '/b', '/c'].map((path) => loopback.url + path),
    { cwd: '.' },
    { http },
  );
  return { units, asked, close: loopback.close };
}

async function read(units: readonly SourceUnit[], options: SampleStreamOptions = {}) {
  const found: string[] = [];
  for await (const { bytes, unit } of sampleStream(units, { retries: { soon: QUICK, later: QUICK }, ...options })) {
    found.push(`${Buffer.from(bytes).toString().replace(/\.+$/, '')} @${unit}`);
  }
  return found;
}

test('a broken transfer resumes where it broke, and nothing is delivered or counted twice', async () => {
  const { units, close } = await server((path, request) => (path === '/b' && request < 3 ? 'cut' : 'whole'));
  const stats = createCutStats();
  const retried: string[] = [];
  const found = await read(units, {
    stats,
    onRetry: (unit, error) => retried.push(`${unit.slice(-2)} ${error.retryable}`),
  });
  expect(found).toEqual(['a', 'b', 'c'].flatMap((name, position) => [1, 2, 3].map((n) => `/${name}${n} @${position}`)));
  expect(stats.samples).toBe(9);
  expect(retried.length).toBeGreaterThanOrEqual(1);
  expect(new Set(retried)).toEqual(new Set(['/b true']));
  await close();
});

test('a unit that stays unavailable is read after all others, and the position waits for it', async () => {
  let away = true;
  const { units, close } = await server((path) => (path === '/b' && away ? 503 : 'whole'));
  const options = { onRetry: () => {}, onUnreadable: () => expect.unreachable() };
  const found: string[] = [];
  for await (const { bytes, unit } of sampleStream(units, {
    retries: { soon: QUICK, later: QUICK },
    prefetch: 1,
    ...options,
  })) {
    const name = Buffer.from(bytes).toString().replace(/\.+$/, '');
    found.push(`${name} @${unit}`);
    if (name === '/c2') away = false;
  }
  expect(found).toEqual([
    ...['/a1 @0', '/a2 @0', '/a3 @0'],
    ...['/c1 @1', '/c2 @1', '/c3 @1'],
    ...['/b1 @1', '/b2 @1', '/b3 @1'],
  ]);
  await close();
});

test('what stays unavailable is reported once and skipped; without a listener it ends the stream', async () => {
  const { units, close } = await server((path) => (path === '/b' ? 503 : 'whole'));
  const left: string[] = [];
  const found = await read(units, { onUnreadable: (unit, error) => left.push(`${unit.slice(-2)} ${error.code}`) });
  expect(found.map((text) => text.slice(0, 3))).toEqual(['/a1', '/a2', '/a3', '/c1', '/c2', '/c3']);
  expect(left).toEqual(['/b OVERLOADED']);
  await expect(read(units)).rejects.toMatchObject({ code: 'OVERLOADED' });
  await close();
});

test('what fails permanently is not retried, and the position passes it', async () => {
  const { units, asked, close } = await server((path) => (path === '/b' ? 404 : 'whole'));
  const left: string[] = [];
  const found = await read(units, { onUnreadable: (unit, error) => left.push(`${unit.slice(-2)} ${error.code}`) });
  expect(found.at(-1)).toBe('/c3 @2');
  expect(left).toEqual(['/b NOT_FOUND']);
  expect(asked.get('/b')).toBe(1);
  await close();
});

test('a stop ends the pause before another attempt', async () => {
  const { units, close } = await server(() => 503);
  const stop = new AbortController();
  const slow = { attempts: 9, backoff: { baseMs: 60_000, maxMs: 60_000 } };
  const reading = read(units, { retries: { soon: slow, later: slow }, signal: stop.signal, onUnreadable: () => {} });
  await delay(100);
  stop.abort();
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
  await close();
});

test('standard input never counts as read: every run reads what it is given', async () => {
  const text = (name: string): SourceUnit => ({
    name,
    async *documents() {
      yield { origin: name, pieces: pieces(name) };
    },
  });
  const run = async (input: string, skipUnits: number): Promise<Pick<Sample, 'origin' | 'unit'>[]> => {
    const [stdin] = await resolveSources(['-'], { cwd: '.' }, { http, stdin: pieces(input) });
    const units = [text('a'), stdin!, text('b'), text('c')];
    const found: Pick<Sample, 'origin' | 'unit'>[] = [];
    for await (const { origin, unit } of sampleStream(units, { skipUnits })) found.push({ origin, unit });
    return found;
  };
  expect(await run('first', 0)).toEqual([
    { origin: 'a', unit: 0 },
    { origin: 'stdin', unit: 1 },
    { origin: 'b', unit: 2 },
    { origin: 'c', unit: 3 },
  ]);
  expect(await run('second', 3)).toEqual([
    { origin: 'stdin', unit: 3 },
    { origin: 'c', unit: 3 },
  ]);
});

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
