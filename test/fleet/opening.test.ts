import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasNatsServer, startNatsServer } from '../../bench/nats-server.js';
import { openFleet } from '../../src/fleet/index.js';

const CREATE = /^PUB (\$JS\.API\.STREAM\.CREATE\.\S+) (\S+) (\d+)\r\n/;

/** What a server says while it makes the stream for another connection. */
const IN_USE = JSON.stringify({
  type: 'io.nats.jetstream.api.v1.stream_create_response',
  error: { code: 400, err_code: 10_065, description: 'subjects overlap with an existing stream' },
});

/** Cuts a stream of NATS's protocol into whole messages, whichever way the network cut it. */
class Frames {
  #rest = Buffer.alloc(0);

  /** @returns those that are complete by now */
  push(data: Buffer): Buffer[] {
    const whole: Buffer[] = [];
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let length = this.#length(); length <= this.#rest.length; length = this.#length()) {
      whole.push(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
    }
    return whole;
  }

  /** Of the first one, in bytes: a line, and after those that carry data as much as their last word says. */
  #length(): number {
    const end = this.#rest.indexOf('\r\n');
    if (end < 0) return Number.POSITIVE_INFINITY;
    const size = /^H?(?:PUB|MSG) .* (\d+)$/.exec(this.#rest.toString('latin1', 0, end))?.[1];
    return end + 2 + (size === undefined ? 0 : Number(size) + 2);
  }
}

/** Lies between a client and a server, and answers the first request to make each stream itself. */
async function racingProxy(upstream: string) {
  const refused = new Set<string>();
  const sockets = new Set<Socket>();
  const { hostname, port: target } = new URL(upstream);
  const server = createServer((client) => {
    const real = connect(Number(target), hostname);
    for (const socket of [client, real]) sockets.add(socket.on('error', () => {}));
    const [asked, answered] = [new Frames(), new Frames()];
    real.on('data', (data) => {
      for (const frame of answered.push(data)) client.write(frame);
    });
    let replies = '';
    client.on('data', (data) => {
      for (const frame of asked.push(data)) {
        const text = frame.toString('latin1');
        replies = /^SUB \S+\* (\S+)\r\n/.exec(text)?.[1] ?? replies;
        const [, subject, inbox] = CREATE.exec(text) ?? [];
        if (subject === undefined || refused.has(subject)) {
          real.write(frame);
          continue;
        }
        refused.add(subject);
        client.write(`MSG ${inbox} ${replies} ${IN_USE.length}\r\n${IN_USE}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `nats://127.0.0.1:${port}`, refused, close };
}

it.skipIf(!hasNatsServer)('opens a new fleet whose streams another connection is just making', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-opening-'));
  const server = await startNatsServer(dir);
  const proxy = await racingProxy(server.url);
  try {
    const fleet = await openFleet({ url: proxy.url, fleet: 'race', name: 'scorer' });
    await fleet.close();
    expect([...proxy.refused].map((subject) => subject.split('.').at(-1))).toEqual([
      'QUARRY_race',
      'KV_quarry_race_models',
      'KV_quarry_race_scorers',
    ]);
  } finally {
    proxy.close();
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
});

it.skipIf(!hasNatsServer)('opens a new fleet for many scorers that start at the same moment', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-opening-'));
  const server = await startNatsServer(dir);
  try {
    const opened = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => openFleet({ url: server.url, fleet: 'many', name: `scorer-${i}` })),
    );
    for (const each of opened) if (each.status === 'fulfilled') await each.value.close();
    expect(opened.filter(({ status }) => status === 'rejected')).toEqual([]);
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
});

it('is unreachable where its host does not exist, whatever the name of that says', async () => {
  const opening = openFleet({ url: 'nats://authentic.invalid:4222', fleet: 'default', name: 'nobody' });
  await expect(opening).rejects.toMatchObject({ code: 'UNREACHABLE' });
});

/** What a server says before it falls silent, if anything. */
const GREETING = `INFO ${JSON.stringify({ server_id: 'x', version: '2.10.0', proto: 1, max_payload: 1 << 20 })}\r\n`;

it.each([
  ['accepts and says nothing', ''],
  ['greets and says no more', GREETING],
])('a signal ends the first connection to a server that %s, and its socket', async (_, greeting) => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = new AbortController();
  try {
    const place = { url: `nats://127.0.0.1:${port}`, fleet: 'default', name: 'impatient' };
    const opening = expect(openFleet(place, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.on('error', () => {}).resume();
    if (greeting !== '') {
      socket.write(greeting);
      await once(socket, 'data');
    }
    stop.abort('SIGINT');
    await opening;
    await once(socket, 'close');
  } finally {
    server.close();
  }
});

it.skipIf(!hasNatsServer)(
  'closes a connection that is being dialled again at a server that has fallen silent',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-opening-'));
    const real = await startNatsServer(dir);
    const { hostname, port: target } = new URL(real.url);
    const sockets: Socket[] = [];
    let isSilent = false;
    const proxy = createServer((client) => {
      sockets.push(client.on('error', () => {}));
      if (isSilent) return;
      const upstream = connect(Number(target), hostname);
      sockets.push(upstream.on('error', () => {}));
      client.pipe(upstream).pipe(client);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const { port } = proxy.address() as AddressInfo;
    try {
      const fleet = await openFleet({ url: `nats://127.0.0.1:${port}`, fleet: 'default', name: 'patient' });
      isSilent = true;
      const dialledAgain = once(proxy, 'connection') as Promise<[Socket]>;
      for (const socket of sockets.splice(0)) socket.destroy();
      const [socket] = await dialledAgain;
      const closed = once(socket.resume(), 'close');
      await fleet.close();
      await closed;
    } finally {
      proxy.close();
      for (const socket of sockets) socket.destroy();
      await real.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
);
