import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AITBCMiner,
  AuthenticationError,
  decodeEmbedding,
  type JobHandler,
  type MinerEvent,
  receiptDirectory,
  scoringHandler,
  verifyReceipt,
} from '../../src/aitbc/index.js';
import type { Sleep } from '../../src/net/index.js';
import { until } from '../until.js';
import { DIALECTS, PINS, startWorld, type World } from './worlds.js';

const JOB = { name: 'x', type: 'ai-inference' };
const ok: JobHandler = async () => ({ result: { ok: true } });

const HEARTBEAT_MS = 15_000;

/** A way to a server that can be shut: connections are then refused. */
class Door {
  url = '';
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(target: string) {
    this.#server = createServer((outer) => {
      const inner = connect(Number(new URL(target).port), '127.0.0.1');
      for (const socket of [outer, inner]) this.#sockets.add(socket.on('error', () => {}));
      outer.pipe(inner).pipe(outer);
    });
  }

  async open(): Promise<void> {
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.#port}`;
  }

  async shut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

describe.each(DIALECTS)('miner on the %s coordinator', (dialect) => {
  let world: World;
  let directory: string;
  let events: MinerEvent[];
  const onEvent = (event: MinerEvent): void => void events.push(event);

  beforeEach(async () => {
    world = await startWorld(dialect);
    directory = await mkdtemp(join(tmpdir(), 'aitbc-'));
    events = [];
  });
  afterEach(async () => {
    await world.close();
    await rm(directory, { recursive: true });
  });

  it('registers, takes a job, runs it, submits, keeps a receipt that verifies', async () => {
    const client = world.client();
    const { jobId } = await client.jobs.create(JOB);
    const miner = world.miner({ handler: ok, onEvent, receipts: receiptDirectory(directory) }, { verify: PINS });
    expect(await miner.run({ maxJobs: 1 })).toEqual({ taken: 1, completed: 1, failed: 0, unknown: 0 });
    expect(events.map(({ type }) => type)).toEqual(['registered', 'job', 'completed']);
    const kept = await readFile(join(directory, `${jobId}.json`), 'utf8');
    expect(verifyReceipt(kept, PINS)).toMatchObject({ verified: true, trusted: true });
    expect(events.at(-1)).toMatchObject({ jobId, receipt: kept, verification: { trusted: true } });
  });

  it('a handler that throws is reported as a failure, and mining goes on', async () => {
    const client = world.client();
    const first = await client.jobs.create(JOB);
    const second = await client.jobs.create(JOB);
    let calls = 0;
    const handler: JobHandler = async () => {
      if (calls++ === 0) throw new Error('out of memory');
      return { result: { ok: true } };
    };
    // One live generation never frees the slot of a failed job: the heartbeat with the true number does.
    const miner = world.miner({ handler, onEvent }, { heartbeatMs: 20 });
    expect(await miner.run({ maxJobs: 2 })).toMatchObject({ completed: 1, failed: 1 });
    const failed = await client.jobs.get(first.jobId);
    expect(failed).toMatchObject({ status: 'failed' });
    expect(failed.error).toContain('out of memory');
    expect((await client.jobs.get(second.jobId)).status).toBe('completed');
  });

  it('runs as many jobs at a time as it says', async () => {
    const client = world.client();
    for (let n = 0; n < 4; n++) await client.jobs.create(JOB);
    let running = 0;
    let most = 0;
    const handler: JobHandler = async ({ jobId }) => {
      most = Math.max(most, ++running);
      await until(() => most > 1, 'two jobs at a time');
      // Time enough for a third to be asked for as well.
      for (let call = 0; call < 5; call++) await client.jobs.get(jobId);
      running--;
      return { result: { ok: true } };
    };
    expect(await world.miner({ handler }, { concurrency: 2 }).run({ maxJobs: 4 })).toMatchObject({ completed: 4 });
    expect(most).toBe(2);
  });

  it('registers again when the coordinator has forgotten it', async () => {
    const client = world.client();
    const stop = new AbortController();
    const miner = world.miner({ handler: ok, onEvent });
    const run = miner.run({ signal: stop.signal });
    await until(() => events.some(({ type }) => type === 'idle'), 'an idle miner');
    world.server.book.miners.clear();
    await client.jobs.create(JOB);
    await until(() => events.some(({ type }) => type === 'completed'), 'a completed job');
    stop.abort();
    expect(await run).toMatchObject({ completed: 1 });
    expect(events.filter(({ type }) => type === 'registered').length).toBeGreaterThanOrEqual(2);
  });

  it('a result without an answer is unknown and is not sent twice', async () => {
    const { jobId } = await world.client().jobs.create(JOB);
    world.server.faults.add(`POST /v1/miners/${jobId}/result`, { status: 502, text: '<html>' });
    expect(await world.miner({ handler: ok, onEvent }).run({ maxJobs: 1 })).toMatchObject({ unknown: 1 });
    expect(world.server.faults.log.filter((line) => line.endsWith('/result'))).toHaveLength(1);
  });

  it('a result outlives a limit of the rate, and a coordinator that is away', async () => {
    const { jobId } = await world.client().jobs.create(JOB);
    world.server.faults.add(`POST /v1/miners/${jobId}/result`, { status: 429, text: '{"detail":"slow down"}' }, 5);
    const door = new Door(world.server.url);
    await door.open();
    let pauses = 0;
    const sleep: Sleep = async (ms, signal) => {
      if (ms === HEARTBEAT_MS) return void (await setTimeout(ms, undefined, { signal }));
      if (++pauses === 12) await door.open();
      await setTimeout(1, undefined, { signal });
    };
    const handler: JobHandler = async (job, control) => {
      await door.shut();
      return ok(job, control);
    };
    const miner = world.miner(
      { handler, onEvent, sleep, random: () => 0 },
      { baseUrl: door.url, heartbeatMs: HEARTBEAT_MS },
    );
    expect(await miner.run({ maxJobs: 1 })).toMatchObject({ completed: 1, failed: 0, unknown: 0 });
    expect(pauses).toBeGreaterThan(12);
    await door.shut();
  });

  it('the first signal lets a job finish, the second reports it failed', async () => {
    const client = world.client();
    const stop = new AbortController();
    await client.jobs.create(JOB);
    const slow: JobHandler = async ({ jobId }) => {
      stop.abort();
      // Time enough for a miner that does not wait to report it.
      for (let call = 0; call < 5; call++) await client.jobs.get(jobId);
      return { result: { ok: true } };
    };
    expect(await world.miner({ handler: slow }).run({ signal: stop.signal })).toMatchObject({ completed: 1 });

    const kill = new AbortController();
    const { jobId } = await client.jobs.create(JOB);
    const endless: JobHandler = async (_job, { signal }) => {
      const aborted = once(signal, 'abort');
      kill.abort();
      await aborted;
      throw signal.reason;
    };
    expect(await world.miner({ handler: endless }).run({ killSignal: kill.signal })).toMatchObject({ failed: 1 });
    expect((await client.jobs.get(jobId)).error).toContain('the miner was stopped');
  });

  it('only takes jobs that its capabilities fit', async () => {
    const client = world.client();
    const llm = await client.services.llm.inference({ model: 'llama-70b', prompt: 'x' });
    const other = await client.jobs.create(JOB);
    await world.miner({ handler: ok }).run({ maxJobs: 1 });
    const taken = dialect === 'documented' ? llm.jobId : other.jobId;
    expect((await client.jobs.get(taken)).status).toBe('completed');
  });

  it('a wrong key ends the run at once', async () => {
    const miner = world.miner({ handler: ok }, { apiKey: 'wrong-miner-key' });
    await expect(miner.run()).rejects.toBeInstanceOf(AuthenticationError);
  });

  it('scores samples through an engine and hands embeddings back bit for bit', async () => {
    const client = world.client();
    const score = async (samples: readonly Uint8Array[]) =>
      samples.map((bytes) => ({ loss: bytes.length / 3, embedding: Float32Array.of(bytes[0]!, 1 / 3, -1e-30) }));
    const input = { type: 'samples', format: 'utf8', samples: ['a', 'bcd'] };
    const { jobId } = await client.jobs.create({ name: 's', type: 'scoring', input });
    const handler = scoringHandler(score, { model: 'test' });
    await world.miner({ handler }).run({ maxJobs: 1 });
    const { results } = await client.jobs.getResults(jobId);
    const scores = results['scores'] as Record<string, unknown>[];
    expect(results).toMatchObject({ status: 'completed', model: 'test' });
    expect(scores.map(({ loss }) => loss)).toEqual([1 / 3, 1]);
    expect(scores[1]).toMatchObject({ sample: 1, bytes: 3, dim: 3 });
    expect(decodeEmbedding(scores[1]!)).toEqual(Float32Array.of(98, 1 / 3, -1e-30));
    expect(client.receipts.verifyLocal(await client.receipts.get(jobId), PINS).verified).toBe(true);
  });
});

describe('scoring handler', () => {
  const handler = scoringHandler(async (samples) => samples.map(() => ({ loss: 1, embedding: new Float32Array(2) })), {
    model: 'm',
    maxSamples: 2,
    maxBytes: 8,
  });
  const run = (payload: Record<string, unknown>) =>
    handler({ jobId: 'j', payload, constraints: {} }, { signal: new AbortController().signal });
  const job = (samples: unknown, format = 'utf8') => ({ type: 'scoring', input: { format, samples } });

  it.each([
    ['another type', { type: 'ai-inference' }, 'UNSUPPORTED'],
    ['no samples', job([]), 'DATA_EMPTY'],
    ['an empty sample', job(['']), 'DATA_EMPTY'],
    ['too many samples', job(['a', 'b', 'c']), 'DATA_TOO_LARGE'],
    ['too many bytes', job(['123456789']), 'DATA_TOO_LARGE'],
    ['no list', job('abc'), 'DATA_INVALID'],
    ['a number', job([1]), 'DATA_INVALID'],
    ['an unknown format', job(['a'], 'hex'), 'DATA_INVALID'],
  ])('%s is refused', async (_name, payload, code) => {
    await expect(run(payload)).rejects.toMatchObject({ code });
  });

  it('leaves embeddings out or writes them as numbers when asked', async () => {
    const none = await run({ ...job(['a']), output: { embedding: 'none' } });
    expect((none.result['scores'] as object[])[0]).not.toHaveProperty('embedding');
    const array = await run({ ...job(['a']), output: { embedding: 'array' } });
    expect((array.result['scores'] as object[])[0]).toMatchObject({ embedding: [0, 0] });
  });

  it('an engine that loses a sample, or its mind, fails the job', async () => {
    const options = { model: 'm' };
    const one = { jobId: 'j', payload: job(['a']), constraints: {} };
    const signal = new AbortController().signal;
    await expect(scoringHandler(async () => [], options)(one, { signal })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    });
    const nan = scoringHandler(async () => [{ loss: Number.NaN, embedding: new Float32Array(1) }], options);
    await expect(nan(one, { signal })).rejects.toMatchObject({ code: 'NON_FINITE' });
  });
});

describe('identity', () => {
  it('without a public id it refuses to start: the key would be published in its place', () => {
    expect(() => new AITBCMiner({ minerId: '', apiKey: 'k' }, { handler: ok })).toThrow(/miner id/);
  });
});
