import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { childSignal, HttpClient } from '../../src/net/index.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

let server: LoopbackServer | undefined;
afterEach(() => server?.close());

/** What stays on a signal: its listeners, and the links that `AbortSignal.any` keeps. */
function leftOn(signal: AbortSignal): number {
  const links = Object.getOwnPropertySymbols(signal)
    .filter(({ description }) => description === 'kDependantSignals')
    .map((symbol) => (signal as unknown as Record<symbol, { readonly size: number } | undefined>)[symbol]?.size ?? 0);
  return getEventListeners(signal, 'abort').length + links.reduce((sum, size) => sum + size, 0);
}

describe('a signal linked to others', () => {
  it('fires with the first of them, for an error with its reason, and leaves nothing behind', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const link = childSignal(one.signal, undefined, other.signal);
    expect(link.signal.aborted).toBe(false);
    other.abort('enough');
    expect(link.signal.reason).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect([one, other].map(({ signal }) => leftOn(signal))).toEqual([0, 0]);
    expect(childSignal(one.signal, other.signal).signal.reason).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(leftOn(one.signal)).toBe(0);
  });

  it('passes on errors that say already that the work was stopped, or took too long', () => {
    for (const name of ['AbortError', 'TimeoutError']) {
      const reason = new DOMException('enough', name);
      expect(childSignal(AbortSignal.abort(reason)).signal.reason).toBe(reason);
    }
  });

  it('fires for a reason of its own, and leaves nothing behind', () => {
    const { signal } = new AbortController();
    const link = childSignal(signal);
    expect(leftOn(signal)).toBe(1);
    link.close('late');
    expect(link.signal.reason).toBe('late');
    expect([signal.aborted, leftOn(signal)]).toEqual([false, 0]);
  });
});

it.each(['fast', 'lean'] as const)('HTTP leaves no listener on a long-lived signal, %s', async (engine) => {
  server = await listen((request, response) => {
    response.statusCode = request.url === '/none' ? 404 : 200;
    response.end('{}');
  });
  const { signal } = new AbortController();
  const client = new HttpClient({ engine, timeoutMs: 1_000 });
  const gone = `http://127.0.0.1:${await closedPort()}`;
  for (let n = 0; n < 3; n++) {
    await client.json({ url: server.url, signal });
    await client.bytes({ url: server.url, signal });
    await client.json({ url: `${server.url}/none`, signal }).catch(() => {});
    await client.json({ url: gone, signal, retry: { attempts: 1 } }).catch(() => {});
  }
  await expect.poll(() => leftOn(signal)).toBe(0);
  await client.close();
});

it.each(['fast', 'lean'] as const)('HTTP is interrupted by a signal whatever its reason, %s', async (engine) => {
  const answers: ServerResponse[] = [];
  server = await listen((_request, response) => void answers.push(response));
  const client = new HttpClient({ engine });
  const { url } = server;
  try {
    for (const reason of ['SIGINT', new Error('enough'), undefined]) {
      const [whileWaiting, whileReading] = [new AbortController(), new AbortController()];
      const waiting = expect(client.request({ url, signal: whileWaiting.signal })).rejects.toMatchObject({
        code: 'ABORTED',
      });
      await expect.poll(() => answers.length).toBe(1);
      whileWaiting.abort(reason);
      await waiting;
      answers.pop()?.destroy();
      const opening = client.request({ url, signal: whileReading.signal });
      await expect.poll(() => answers.length).toBe(1);
      answers.pop()?.write('the beginning');
      const { bytes } = await opening;
      const reading = expect(bytes()).rejects.toMatchObject({ code: 'ABORTED' });
      whileReading.abort(reason);
      await reading;
    }
  } finally {
    await client.close();
  }
});

async function closedPort(): Promise<number> {
  const other = await listen(() => {});
  const { port } = new URL(other.url);
  await other.close();
  return Number(port);
}
