import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type CoordinatorEvent, type CoordinatorSocket, type JobUpdate, NotFoundError } from '../../src/aitbc/index.js';
import type { DocumentedServer } from '../../src/devnet/index.js';
import { sleep } from '../../src/net/index.js';
import { until } from '../until.js';
import { CLIENT_KEY, startWorld, type World } from './worlds.js';

const JOB = { name: 'x', type: 'ai-inference' };
const FAST = { pollIntervalMs: 20, maxPollIntervalMs: 20, reconnectDelayMs: 20, offerPollIntervalMs: 20 };

let closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

async function world(...args: Parameters<typeof startWorld>): Promise<World> {
  const one = await startWorld(...args);
  closers.push(() => one.close());
  return one;
}

function collect(socket: CoordinatorSocket): CoordinatorEvent[] {
  const events: CoordinatorEvent[] = [];
  socket.on('jobUpdate', (event) => events.push(event));
  socket.on('marketplaceUpdate', (event) => events.push(event));
  socket.on('receiptCreated', (event) => events.push(event));
  socket.on('message', (event) => events.push(event));
  closers.push(() => socket.close());
  return events;
}

/** A websocket server that says what the test wants. */
async function scriptedServer(onConnect: (socket: WebSocket, n: number) => void): Promise<string> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  let n = 0;
  sockets.on('connection', (socket) => onConnect(socket, ++n));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    http.closeAllConnections();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  });
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`;
}

describe('the documented websocket', () => {
  it('delivers job updates and receipts as the server sends them', async () => {
    const one = await world('documented');
    // Slow polling, so that what arrives came by socket.
    const client = one.client({ socket: { pollIntervalMs: 60_000, maxPollIntervalMs: 60_000 } }, { sleep });
    const socket = client.websocket.connect();
    const events = collect(socket);
    socket.subscribe('marketplace');
    socket.start();
    await until(() => socket.connected, 'open');
    const { jobId } = await client.jobs.create(JOB);
    await one.miner({ handler: async () => ({ result: { ok: true } }) }).run({ maxJobs: 1 });
    await client.marketplace.createOffer({ jobType: 'x', price: '1' });
    await until(() => events.some(({ type }) => type === 'marketplace_update'), 'offer event');
    const updates = events.filter((event) => event.type === 'job_update');
    expect(updates.map(({ status }) => status)).toEqual(['submitted', 'running', 'completed']);
    expect(updates.every((event) => !event.synthetic && event.jobId === jobId)).toBe(true);
    expect(events.find(({ type }) => type === 'receipt_created')).toMatchObject({ jobId, synthetic: false });
  });

  it('connects again after a loss, subscribes again, and closes for good', async () => {
    const one = await world('documented');
    const server = one.server as DocumentedServer;
    const client = one.client({ socket: FAST });
    const socket = client.websocket.connect();
    const events = collect(socket);
    let opened = 0;
    socket.on('open', () => opened++);
    socket.start();
    socket.start();
    await until(() => opened === 1, 'first connection');
    server.dropSockets();
    await until(() => opened === 2, 'second connection');
    await client.jobs.create(JOB);
    await until(() => events.length > 0, 'an event after reconnecting');
    socket.close();
    const count = events.length;
    const witness = client.websocket.connect();
    const witnessed = collect(witness);
    witness.start();
    await until(() => witness.connected, 'another connection');
    await client.jobs.create(JOB);
    await until(() => witnessed.length > 0, 'the event on the other connection');
    expect(events.length).toBe(count);
    expect(socket.connected).toBe(false);
  });

  it('gives up reconnecting after the limit and says so', async () => {
    let connections = 0;
    const wsUrl = await scriptedServer((socket, n) => {
      connections = n;
      socket.terminate();
    });
    const one = await world('documented');
    const socket = one.client({ wsUrl, socket: { ...FAST, maxReconnects: 2 } }).websocket.connect();
    collect(socket);
    const reasons: string[] = [];
    socket.on('fallback', (reason) => reasons.push(reason));
    socket.start();
    await until(() => reasons.length > 0, 'fallback');
    expect(reasons[0]).toContain('gave up after 2 reconnects');
    expect(connections).toBe(3);
  });

  it('remembers the newest ten thousand receipts, so that a long run does not grow', async () => {
    const receipt = (n: number) =>
      JSON.stringify({ type: 'receipt_created', data: { job_id: `j${n}`, receipt_id: `r${n}` } });
    const wsUrl = await scriptedServer((socket) => {
      for (let n = 0; n <= 10_000; n++) socket.send(receipt(n));
      // The newest is known, and the first is not any more.
      for (const n of [10_000, 0]) socket.send(receipt(n));
      socket.send(JSON.stringify({ type: 'news' }));
    });
    const one = await world('documented');
    const socket = one.client({ wsUrl }, { sleep }).websocket.connect();
    const events = collect(socket);
    socket.start();
    await until(() => events.some(({ type }) => type === 'message'), 'the last frame');
    const receipts = events.filter((event) => event.type === 'receipt_created').map(({ jobId }) => jobId);
    expect(receipts).toHaveLength(10_002);
    expect(receipts.slice(-2)).toEqual(['j10000', 'j0']);
  });

  it('shows the key first, subscribes, answers pings, and takes every frame leniently', async () => {
    const received: unknown[] = [];
    const wsUrl = await scriptedServer((socket) => {
      socket.on('message', (data) => {
        received.push(JSON.parse(String(data)));
        if (received.length !== 2) return;
        for (const frame of [
          { type: 'ping' },
          {
            type: 'job_update',
            data: { job_id: 'j', status: 'running', timestamp: '2024-01-01T12:04:00', progress: 0.5 },
          },
          { job_id: 'j', state: 'CANCELED', assigned_miner_id: 'm' },
          { type: 'event', event: 'receipt_created', data: { job_id: 'j', receipt_id: 'r' } },
          { type: 'marketplace_update', data: { offer: 1 } },
          { type: 'news', data: 7 },
          { type: 'error', message: 'slow down' },
        ]) {
          socket.send(JSON.stringify(frame));
        }
        socket.send('not json');
        socket.send('[1]');
      });
    });
    const one = await world('documented');
    const socket = one.client({ wsUrl, socket: { pollIntervalMs: 60_000 } }, { sleep }).websocket.connect();
    const events = collect(socket);
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    socket.subscribe('jobs', { jobId: 'j' });
    socket.subscribe('jobs', { jobId: 'j' });
    socket.start();
    await until(() => events.length === 7 && received.length === 3, 'all frames');
    expect(received).toEqual([
      { type: 'auth', api_key: CLIENT_KEY },
      { type: 'subscribe', channel: 'jobs', filters: { job_id: 'j' } },
      { type: 'pong' },
    ]);
    expect(events[0]).toMatchObject({
      type: 'job_update',
      status: 'running',
      timestamp: '2024-01-01T12:04:00Z',
      progress: 0.5,
    });
    expect(events[1]).toMatchObject({ type: 'job_update', status: 'cancelled', minerId: 'm' });
    expect(events[2]).toMatchObject({ type: 'receipt_created', receiptId: 'r' });
    expect(events[3]).toMatchObject({ type: 'marketplace_update', data: { offer: 1 } });
    expect(events.slice(4).map(({ type }) => type)).toEqual(['message', 'message', 'message']);
    expect(errors.some(({ message }) => message.includes('slow down'))).toBe(true);
  });

  it('drops a connection whose pongs stop', async () => {
    let connections = 0;
    const wsUrl = await scriptedServer((socket, n) => {
      connections = n;
      // A peer that is gone does not answer; `ws` would answer by itself.
      socket.pong = () => {};
    });
    const one = await world('documented');
    const timings = { ...FAST, pingIntervalMs: 20, pongTimeoutMs: 20, maxReconnects: 50 };
    const socket = one.client({ wsUrl, socket: timings }).websocket.connect();
    collect(socket);
    socket.start();
    await until(() => connections >= 2, 'a second connection');
  });
});

describe('without a websocket', () => {
  it.each(['live-key', 'live-jwt'] as const)('a %s coordinator is polled, and events say so', async (dialect) => {
    const one = await world(dialect);
    const client = one.client({ socket: FAST });
    const { jobId } = await client.jobs.create(JOB);
    const socket = client.websocket.connect();
    const events = collect(socket);
    const reasons: string[] = [];
    socket.on('fallback', (reason) => reasons.push(reason));
    socket.subscribe('jobs', { jobId });
    socket.subscribe('marketplace');
    socket.start();
    await until(() => events.length > 0, 'the first poll');
    await one.miner({ handler: async () => ({ result: { ok: true } }) }).run({ maxJobs: 1 });
    one.server.book.createOffer('m', { price: '1' }, 'available');
    await until(() => events.some(({ type }) => type === 'receipt_created'), 'receipt');
    await until(() => events.some(({ type }) => type === 'marketplace_update'), 'offer');
    expect(reasons).toEqual(['this coordinator has no websocket']);
    expect(events.every(({ synthetic }) => synthetic)).toBe(true);
    expect(events.find(({ type }) => type === 'marketplace_update')).toMatchObject({
      added: [{ price: dialect === 'live-jwt' ? '1.00000000' : '1' }],
    });
  });

  it('a refused handshake falls back to polling at once', async () => {
    const one = await world('live-jwt');
    // An address given by hand is tried although this generation has no websocket.
    const client = one.client({ socket: FAST, wsUrl: one.server.url.replace('http', 'ws') });
    const { jobId } = await client.jobs.create(JOB);
    const socket = client.websocket.connect();
    const events = collect(socket);
    const reasons: string[] = [];
    socket.on('fallback', (reason) => reasons.push(reason));
    socket.subscribe('jobs', { jobId });
    socket.start();
    await until(() => events.length > 0 && reasons.length > 0, 'fallback and first poll');
    expect(reasons[0]).toMatch(/401|403|Unexpected|connection/i);
  });
});

describe.each(['documented', 'live-jwt'] as const)('following a job on a %s coordinator', (dialect) => {
  it('streamUpdates ends when the job does', async () => {
    const one = await world(dialect);
    const client = one.client({ socket: FAST });
    const { jobId } = await client.jobs.create(JOB);
    const mining = one.miner({ handler: async () => ({ result: { ok: true } }) }).run({ maxJobs: 1 });
    const seen: JobUpdate[] = [];
    for await (const update of client.jobs.streamUpdates(jobId)) seen.push(update);
    await mining;
    expect(seen.at(-1)?.status).toBe('completed');
    expect(new Set(seen.map(({ status }) => status)).size).toBe(seen.length);
  });

  it('onUpdate calls back until stopped', async () => {
    const one = await world(dialect);
    const client = one.client({ socket: FAST });
    const { jobId } = await client.jobs.create(JOB);
    const seen: string[] = [];
    const stop = client.jobs.onUpdate(jobId, ({ status }) => seen.push(status));
    await until(() => seen.length > 0, 'the first state');
    stop();
    const witnessed: string[] = [];
    const stopWitness = client.jobs.onUpdate(jobId, ({ status }) => witnessed.push(status));
    await client.jobs.cancel(jobId);
    await until(() => witnessed.includes('cancelled'), 'the end, told to another');
    stopWitness();
    expect(seen).toEqual(['submitted']);
  });

  it('an unknown job is an error, not an endless wait', async () => {
    const one = await world(dialect);
    const stream = one.client({ socket: FAST }).jobs.streamUpdates('nope');
    await expect(stream.next()).rejects.toBeInstanceOf(NotFoundError);
  });

  it('a signal ends the stream', async () => {
    const one = await world(dialect);
    const client = one.client({ socket: FAST });
    const { jobId } = await client.jobs.create(JOB);
    const stop = new AbortController();
    const stream = client.jobs.streamUpdates(jobId, { signal: stop.signal });
    await stream.next();
    stop.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
