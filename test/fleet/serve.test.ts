import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNatsServer, startNatsServer } from '../../bench/nats-server.js';
import { cosineDistance, selectBest } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import {
  fleetStatus,
  ModelShelf,
  openFleet,
  ScoringService,
  type Serving,
  serveScoring,
} from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK, PUBLIC_ONLY } from '../../src/net/index.js';
import { ScoringClient } from '../../src/soma/services/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { until } from '../until.js';
import { f32Engine } from './f32-engine.js';
import { type Published, publishModels } from './published-models.js';
import { scoreRequest } from './score-request.js';
import { watched } from './watched-engine.js';

const LIMITS = { maxDataBytes: 4096, maxModels: 4, batch: 16, remembered: 100 };
const target = Float32Array.from({ length: MODEL_CONFIGS.small.embeddingDim }, (_, i) => Math.sin(i + 1));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let dir: string;
let published: Published;
let serving: Serving;
let client: ScoringClient;
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
const guarded = new HttpClient({ addressPolicy: PUBLIC_ONLY });
/** Sizes of the batches that the engine was given. */
const batches: number[] = [];
/** Waited for before each of them. */
let gate = async (): Promise<unknown> => undefined;
const watchedEngine = () =>
  watched(({ samples }) => {
    batches.push(samples);
    return gate();
  });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-serve-'));
  published = await publishModels(dir, 3);
  const engine = watchedEngine();
  const weights = new WeightsCache({ dir: join(dir, 'cache') }, { http });
  const models = new ModelShelf({ most: 2 }, { weights, engineFor: async () => engine });
  serving = await serveScoring({ host: '127.0.0.1', port: 0 }, new ScoringService(LIMITS, { models, http }));
  client = new ScoringClient({ url: serving.url });
});
afterAll(async () => {
  client?.close();
  await serving?.close();
  await published?.close();
  await http.close();
  await guarded.close();
  await rm(dir, { recursive: true, force: true });
});

const request = (name: string, data: Uint8Array) => scoreRequest(published, name, data, target);

describe('the Scoring service', () => {
  it('is healthy and answers what the models say, by the winner alone', async () => {
    expect(await client.health()).toBe(true);
    const data = bytes('a sample that three models compete for');
    const answer = await client.score(request('first', data));
    const reference = f32Engine();
    const scores = [];
    for (let i = 0; i < 3; i++) {
      const file = await openSafetensors(join(dir, `plain-${i}.safetensors`));
      const model = await reference.load(file, MODEL_CONFIGS.small);
      scores.push((await model.score([data]))[0]!);
      await file.close();
    }
    const winner = selectBest(scores.map(({ loss }) => loss))!;
    expect(answer.winner).toBe(winner);
    expect(answer.loss).toBe(Math.fround(scores[winner]!.loss));
    expect(answer.embedding).toEqual(scores[winner]!.embedding);
    expect(answer.distance).toBeCloseTo(cosineDistance(scores[winner]!.embedding, target), 6);
  });

  it('answers repeated data without fetching or scoring it again', async () => {
    const data = bytes('said twice');
    const once = await client.score(request('twice', data));
    const scored = batches.length;
    expect(await client.score(request('twice', data))).toEqual(once);
    expect(batches.length).toBe(scored);
    expect(published.asked.get('twice')).toBe(1);
  });

  it('scores concurrent calls for a model together', async () => {
    batches.length = 0;
    const names = Array.from({ length: 12 }, (_, i) => `many-${i}`);
    gate = () => until(() => names.every((name) => published.asked.has(name)), 'all data to be asked for');
    await Promise.all(names.map((name) => client.score(request(name, bytes(`sample of ${name}`)))));
    expect(batches.reduce((a, b) => a + b, 0)).toBe(36);
    expect(Math.max(...batches)).toBeGreaterThan(1);
  });

  it('refuses what is malformed, too large, or not what it claims', async () => {
    const good = request('refused', bytes('x'));
    await expect(client.score({ ...good, data: { ...good.data, size: 4097n } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('at most 4096'),
    });
    await expect(client.score({ ...good, targetEmbedding: new Float32Array() })).rejects.toMatchObject({
      message: expect.stringContaining('Target embedding must not be empty'),
    });
    published.files.set('refused', bytes('y'));
    await expect(client.score(good)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('Checksum'),
    });
    const [model] = good.models;
    const { decryptionKey: _key, ...keyless } = model!;
    await expect(client.score({ ...good, models: [keyless] })).rejects.toMatchObject({
      message: expect.stringContaining('key is required'),
    });
  });

  it('does not blame the request for a failure of the machine, whatever its text says', async () => {
    const broken = {
      score: () => Promise.reject(new QuarryError('ENGINE_FAILED', 'Invalid state: a reset is required')),
    };
    const server = await serveScoring({ host: '127.0.0.1', port: 0 }, broken);
    const other = new ScoringClient({ url: server.url });
    try {
      await expect(other.score(request('broken', bytes('z')))).rejects.toMatchObject({ code: 'REMOTE_FAILURE' });
    } finally {
      other.close();
      await server.close();
    }
  });

  it('does not fetch from addresses that its policy forbids', async () => {
    const models = new ModelShelf(
      { most: 1 },
      {
        weights: new WeightsCache({ dir: join(dir, 'none') }, { http: guarded }),
        engineFor: async () => watchedEngine(),
      },
    );
    const service = new ScoringService(LIMITS, { models, http: guarded });
    const server = await serveScoring({ host: '127.0.0.1', port: 0 }, service);
    const other = new ScoringClient({ url: server.url });
    await expect(other.score(request('guarded', bytes('secret of this machine')))).rejects.toMatchObject({
      message: expect.stringContaining('refusing to connect'),
    });
    expect(published.asked.get('guarded')).toBeUndefined();
    other.close();
    await server.close();
  });

  it.skipIf(!hasNatsServer)(
    'is answered by the scorers of a fleet, with one alike',
    async () => {
      const server = await startNatsServer(join(dir, 'nats'));
      const place = ['--nats', server.url, '--fleet', 'serve', '--workers', '1'];
      const start = (name: string, args: readonly string[]): ChildProcess =>
        spawn(process.execPath, ['bin/quarry.js', ...args, ...place, '--state-dir', join(dir, name)], {
          stdio: ['ignore', 'pipe', 'ignore'],
        });
      const scorer = start('scorer', ['scorer', '--allow-loopback', '--engine', 'js']);
      const serve = start('serving', ['serve', '--engine', 'fleet', '--serve-port', '0', '--json']);
      const [line] = (await once(createInterface({ input: serve.stdout! }), 'line')) as [string];
      const other = new ScoringClient({ url: (JSON.parse(line) as { url: string }).url, timeoutMs: 60_000 });
      const asked = request('elsewhere', bytes('scored on another machine'));
      const [here, there] = [await client.score(asked), await other.score(asked)];
      expect({ winner: there.winner, distance: there.distance }).toEqual({
        winner: here.winner,
        distance: expect.closeTo(here.distance, 4),
      });
      const fleet = await openFleet({ url: server.url, fleet: 'serve', name: 'test' });
      // A byte for each of the three models, and the sample.
      await until(
        async () => (await fleetStatus(fleet)).scorers.some(({ samples }) => samples === 6),
        'the scorer to say so',
      );
      await fleet.close();
      other.close();
      for (const child of [scorer, serve]) {
        child.kill('SIGINT');
        await once(child, 'close');
      }
      await server.close();
    },
    120_000,
  );

  it('needs a token beyond loopback, and then from every caller', async () => {
    const service = { score: () => Promise.reject(new Error('not asked')) };
    await expect(serveScoring({ host: '0.0.0.0', port: 0 }, service)).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
    const server = await serveScoring({ host: '0.0.0.0', port: 0, token: 'open sesame' }, service);
    const raw = new Client(`127.0.0.1:${new URL(server.url).port}`, credentials.createInsecure());
    const health = (authorization?: string): Promise<number> =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        if (authorization !== undefined) metadata.set('authorization', authorization);
        const same = (value: Buffer): Buffer => value;
        raw.makeUnaryRequest('/scoring.Scoring/Health', same, same, Buffer.alloc(0), metadata, (error) =>
          resolve(error?.code ?? status.OK),
        );
      });
    expect(await health()).toBe(status.UNAUTHENTICATED);
    expect(await health('Bearer open sesamf')).toBe(status.UNAUTHENTICATED);
    expect(await health('Bearer open sesame')).toBe(status.OK);
    raw.close();
    await server.close();
  });
});
