import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  HttpClient,
  type HttpClientOptions,
  PUBLIC_AND_LOOPBACK,
  PUBLIC_ONLY,
  type RetryDeps,
} from '../../src/net/index.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

const servers: LoopbackServer[] = [];
const clients: HttpClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function serve(...args: Parameters<typeof listen>): Promise<LoopbackServer> {
  const server = await listen(...args);
  servers.push(server);
  return server;
}
let engine: 'fast' | 'lean' = 'fast';
function client(options: HttpClientOptions = {}, ...rest: [RetryDeps?]): HttpClient {
  const made = new HttpClient({ engine, ...options }, ...rest);
  clients.push(made);
  return made;
}
const fast = { sleep: async () => {} };

describe.each(['fast', 'lean'] as const)('HttpClient, %s', (name) => {
  beforeEach(() => {
    engine = name;
  });

  test('sends a body and headers, and uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    const server = await serve(async (request, response) => {
      ports.add(request.socket.remotePort);
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ body: Buffer.concat(parts).toString(), kind: request.headers['content-type'] }));
    });
    const one = client({}, fast);
    for (let i = 0; i < 3; i++) {
      expect(await one.json({ url: server.url, method: 'POST', json: { ü: i } })).toEqual({
        body: `{"ü":${i}}`,
        kind: 'application/json',
      });
    }
    expect(ports.size).toBeLessThan(3);
  });

  test('a body cut off early is an error, and closing the client ends requests in flight', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('12345');
      if (request.url === '/cut') setTimeout(() => response.destroy(), 20);
    });
    await expect(client({}, fast).bytes({ url: `${server.url}/cut` })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    const closing = client({}, fast);
    const waiting = closing.bytes({ url: server.url });
    setTimeout(() => void closing.close(), 50);
    await expect(waiting).rejects.toThrow();
  });

  test('abandons an error page that drips, and reports the status', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(404, { 'content-length': '60000' });
      const drip = setInterval(() => response.write('a'), 100);
      response.once('close', () => clearInterval(drip));
    });
    // To its end the page takes more than an hour and a half.
    await expect(client({}, fast).bytes({ url: server.url })).rejects.toMatchObject({ status: 404 });
  });

  test('waits no longer for a final answer because informational ones keep coming', async () => {
    const server = await serve((_request, response) => {
      const hints = setInterval(() => response.writeEarlyHints({ link: '</a>; rel=preload' }), 50);
      response.once('close', () => clearInterval(hints));
    });
    const impatient = client({ timeoutMs: 400, retry: { attempts: 1 } }, fast);
    await expect(impatient.bytes({ url: server.url })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('refuses loopback and private addresses when only public ones are allowed', async () => {
    const server = await serve((_, response) => response.end('x'));
    const guarded = client({ addressPolicy: PUBLIC_ONLY });
    await expect(guarded.bytes({ url: server.url })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    await expect(guarded.bytes({ url: server.url.replace('127.0.0.1', 'localhost') })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    });
    for (const host of [
      '10.0.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '[::1]',
      '[fd00::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
    ]) {
      await expect(guarded.bytes({ url: `http://${host}:1/` })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    }
    await expect(client({ addressPolicy: PUBLIC_AND_LOOPBACK }).bytes({ url: server.url })).resolves.toHaveLength(1);
  });

  test('dials the origin the user configured, and nothing else beside it', async () => {
    const stranger = await serve((_, response) => response.end('private'));
    const node = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: stranger.url }).end();
      else response.end('mine');
    });
    const guarded = client({ baseUrl: node.url, addressPolicy: PUBLIC_ONLY, trustedOrigins: [node.url] });
    expect(new TextDecoder().decode(await guarded.bytes({ url: '/model/1' }))).toBe('mine');
    // The same machine under another port, another name for it, and where the node itself sends us.
    for (const url of [stranger.url, node.url.replace('127.0.0.1', 'localhost'), '/away']) {
      await expect(guarded.bytes({ url })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    }
  });

  test('checks the address of every redirect', async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: 'http://10.1.2.3/' }).end());
    await expect(client({ addressPolicy: PUBLIC_AND_LOOPBACK }).bytes({ url: server.url })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    });
  });

  test('follows at most the allowed number of redirects', async () => {
    let hops = 0;
    const server = await serve((_, response) => response.writeHead(302, { location: `/${++hops}` }).end());
    await expect(client({ maxRedirects: 3 }).bytes({ url: server.url })).rejects.toMatchObject({
      code: 'TOO_MANY_REDIRECTS',
    });
    expect(hops).toBe(4);
  });

  test('keeps credentials at their origin', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('ok');
    });
    const server = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: other.url }).end();
    });
    await client().bytes({ url: server.url, headers: { authorization: 'Bearer secret' } });
    expect(seen).toEqual(['Bearer secret', undefined]);
  });

  test('retries what may succeed later, and only that', async () => {
    let calls = 0;
    const server = await serve((_, response) => response.writeHead(++calls < 3 ? 503 : 200).end('done'));
    await expect(client({}, fast).bytes({ url: server.url })).resolves.toHaveLength(4);
    expect(calls).toBe(3);
    calls = 0;
    const missing = await serve((_, response) => {
      calls++;
      response.writeHead(404).end();
    });
    await expect(client({}, fast).bytes({ url: missing.url })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      status: 404,
    });
    expect(calls).toBe(1);
    calls = 0;
    const post = await serve((_, response) => {
      calls++;
      response.writeHead(503).end();
    });
    await expect(client({}, fast).request({ url: post.url, method: 'POST', json: {} })).rejects.toMatchObject({
      code: 'OVERLOADED',
    });
    expect(calls).toBe(1);
  });

  test('waits as long as the server asks', async () => {
    const waits: number[] = [];
    let calls = 0;
    const server = await serve((_, response) =>
      response.writeHead(++calls === 1 ? 429 : 200, { 'retry-after': '7' }).end(),
    );
    await client({}, { sleep: async (ms) => void waits.push(ms) }).bytes({ url: server.url });
    expect(waits[0]).toBeGreaterThanOrEqual(7000);
  });

  test('stops a body that grows beyond the limit', async () => {
    const server = await serve((_, response) => response.end(Buffer.alloc(100)));
    await expect(client().bytes({ url: server.url, maxBytes: 99 })).rejects.toMatchObject({ code: 'DATA_TOO_LARGE' });
  });

  test('times out a stalled body', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('12345');
    });
    await expect(client({ timeoutMs: 1000 }).bytes({ url: server.url })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('reports an unreachable server, an abort and bad JSON as what they are', async () => {
    await expect(client({ retry: { attempts: 1 } }).bytes({ url: 'http://127.0.0.1:1/' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    const server = await serve((_, response) => response.end('not json'));
    await expect(client().json({ url: server.url })).rejects.toMatchObject({ code: 'PROTOCOL' });
    await expect(client().bytes({ url: server.url, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('never shows the query of a URL', async () => {
    const server = await serve((_, response) => response.writeHead(500).end());
    const error = await client({ retry: { attempts: 1 } })
      .bytes({ url: `${server.url}/file?X-Amz-Signature=secret` })
      .catch((caught: Error) => caught);
    expect(String(error)).not.toContain('secret');
    expect(String(error)).toContain('/file');
  });
});
