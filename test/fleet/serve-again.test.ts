import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Score } from '../../src/engine/index.js';
import { ModelShelf, ScoringService, ServedScores, serveScoring } from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { ScoringClient } from '../../src/soma/services/index.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { until } from '../until.js';
import { type Published, publishModels } from './published-models.js';
import { scoreRequest } from './score-request.js';
import { type Claims, type WatchedCall, watched } from './watched-engine.js';

const LIMITS = { maxDataBytes: 4096, maxModels: 4, batch: 16, remembered: 100 };
const { embeddingDim } = MODEL_CONFIGS.small;
const target = Float32Array.from({ length: embeddingDim }, (_, i) => Math.sin(i + 1));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });

let home: string;
let published: Published;
let dir: string;
const closers: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'quarry-serve-again-'));
  published = await publishModels(home, 3);
});
afterAll(async () => {
  await published?.close();
  await http.close();
  await rm(home, { recursive: true, force: true });
});
beforeEach(async () => {
  dir = await mkdtemp(join(home, 'state-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A service with an engine, a shelf and a memory of its own, that keeps scores in the directory of the test. */
async function start(claims: Claims = {}) {
  const calls: WatchedCall[] = [];
  const engine = watched((call) => calls.push(call), claims);
  const weights = new WeightsCache({ dir: join(dir, 'weights') }, { http });
  const models = new ModelShelf({ most: 3 }, { weights, engineFor: async () => engine });
  const kept = await ServedScores.open({
    dir: join(dir, 'scores'),
    mostBytes: 2 ** 26,
    onWarning: (error) => {
      throw error;
    },
  });
  const service = new ScoringService(LIMITS, { models, http, kept });
  const serving = await serveScoring({ host: '127.0.0.1', port: 0 }, service);
  const client = new ScoringClient({ url: serving.url });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    client.close();
    await serving.close();
    await models.close();
    await kept.close();
  };
  closers.push(close);
  return { client, calls, service, close };
}

const ask = (text: string) => scoreRequest(published, text.replaceAll(' ', '-'), bytes(text), target);

describe('the Scoring service with a directory', () => {
  it('answers what it was asked before a restart without fetching, loading or scoring anything', async () => {
    const first = await start();
    const asked = ['asked once', 'asked twice'].map(ask);
    const answers = [];
    for (const each of asked) answers.push(await first.client.score(each));
    await first.close();
    expect(first.calls.length).toBeGreaterThan(0);
    const again = await start();
    published.asked.clear();
    for (const [i, each] of asked.entries()) expect(await again.client.score(each)).toEqual(answers[i]);
    // Another target does not change what data scores.
    const elsewhere = await again.client.score({ ...asked[0]!, targetEmbedding: target.map((value) => -value) });
    expect(elsewhere).toMatchObject({ winner: answers[0]!.winner, loss: answers[0]!.loss });
    expect(again.calls).toEqual([]);
    expect([...published.asked.keys()]).toEqual([]);
    // The same data under other weights is scored, and only under those.
    const [one, , three] = asked[0]!.models;
    const rekeyed = { ...three!, decryptionKey: new Uint8Array(32).fill(99) };
    await expect(again.client.score({ ...asked[0]!, models: [one!, rekeyed] })).rejects.toThrow();
    expect(published.asked.has('model-0')).toBe(false);
    expect(published.asked.get('model-2')).toBeGreaterThan(0);
  });

  it('keeps what settled a near-tie, and does not settle it again', async () => {
    const low = (score: Score): Score => ({ ...score, precision: 'bf16' });
    const claims = { boundOf: () => ({ loss: 10, distance: 0 }), change: low };
    const first = await start(claims);
    const asked = ask('a near-tie');
    const answer = await first.client.score(asked);
    expect(first.calls.filter(({ precision }) => precision === 'f32')).toHaveLength(3);
    await first.close();
    const again = await start(claims);
    expect(await again.client.score(asked)).toEqual(answer);
    expect(again.calls).toEqual([]);
  });

  it('settles a near-tie with a model that is not second, and whose rival does not err', async () => {
    const exact = await start();
    const asked = ask('three rivals');
    const { winner } = await exact.client.score(asked);
    await exact.close();
    await rm(join(dir, 'scores'), { recursive: true });
    const best = weightsIdentity(published.models[winner]!);
    const doubtful = await start({
      boundOf: (checksum) => ({ loss: checksum === best ? 0 : 10, distance: 0 }),
      change: (score) => ({ ...score, precision: 'bf16' }),
    });
    expect((await doubtful.client.score(asked)).winner).toBe(winner);
    expect(doubtful.calls.filter(({ precision }) => precision === 'f32')).toHaveLength(3);
  });

  it('scores again what was withdrawn, from memory and from disk', async () => {
    const { client, calls, service } = await start();
    const asked = ask('doubtful');
    const answer = await client.score(asked);
    calls.length = 0;
    await service.withdraw(published.models[1]!, [asked.data.checksum]);
    expect(await client.score(asked)).toEqual(answer);
    expect(calls).toEqual([{ samples: 1, precision: undefined }]);
  });

  it('says that it has no answer where none could score, and asks again the next time', async () => {
    let isLeftOut = true;
    const none = { loss: Number.NaN, embedding: new Float32Array(embeddingDim), precision: 'f32' } as const;
    const { client } = await start({ change: (score) => (isLeftOut ? none : score) });
    const asked = ask('left out');
    await expect(client.score(asked)).rejects.toThrow('no scorer could score the data');
    isLeftOut = false;
    expect((await client.score(asked)).loss).toBeGreaterThan(0);
  });

  it('is answered by `quarry serve` after kill -9, with its weights, data and models gone', async () => {
    const args = ['bin/quarry.js', 'serve', '--engine', 'js', '--workers', '1', '--serve-port', '0', '--json'];
    const spawnServe = async (): Promise<{ child: ChildProcess; client: ScoringClient; said: string[] }> => {
      const child = spawn(process.execPath, [...args, '--state-dir', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
      const said: string[] = [];
      createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const client = new ScoringClient({ url: (JSON.parse(line) as { url: string }).url, timeoutMs: 60_000 });
      closers.push(async () => {
        client.close();
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGKILL');
          await once(child, 'close');
        }
      });
      return { child, client, said };
    };
    const first = await spawnServe();
    const asked = ask('asked of a process');
    const answer = await first.client.score(asked);
    const beside = await spawnServe();
    expect(await beside.client.score(asked)).toEqual(answer);
    await until(() => beside.said.some((line) => line.includes('scores are not kept')), 'the second one to say so');
    for (const { child } of [first, beside]) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    for (const name of ['weights', 'packed']) await rm(join(dir, 'serve', name), { recursive: true, force: true });
    const files = new Map(published.files);
    closers.push(() => {
      for (const [name, content] of files) published.files.set(name, content);
    });
    published.files.clear();
    const again = await spawnServe();
    expect(await again.client.score(asked)).toEqual(answer);
    expect(again.said).toEqual([]);
  }, 120_000);
});
