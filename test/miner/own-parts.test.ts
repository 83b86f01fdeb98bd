import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  createJsEngine,
  createReferenceDistanceEngine,
  type DistanceEngine,
  type ScoringEngine,
} from '../../src/engine/index.js';
import { type DataHost, HttpHost } from '../../src/hosting/index.js';
import { MAX_SAMPLE_BYTES } from '../../src/sources/index.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

/** Kilobytes that differ, as a caller's own iterable. */
async function* ownSamples(count: number) {
  for (let n = 0; n < count; n++) yield { bytes: Buffer.from(`${n * 7919} `.padEnd(1024, 'abc')), origin: `own ${n}` };
}

const withOwnSamples = { data: undefined, distance: undefined } as const;

test("mines samples of the caller's own, and leaves out those that no submission can carry", async () => {
  network = await startMiningNetwork();
  async function* samples() {
    yield { bytes: new Uint8Array(0), origin: 'nothing' };
    yield { bytes: new Uint8Array(MAX_SAMPLE_BYTES + 1), origin: 'too much' };
    yield* ownSamples(24);
  }
  const { miner } = await network.miner({ ...withOwnSamples, samples: samples(), maxAccepted: 1 });
  const warnings: string[] = [];
  miner.events.on('warning', ({ error }) => warnings.push(`${error.code} ${error.message.split(' ')[0]}`));
  const origins: string[] = [];
  miner.events.on('hit', ({ origin }) => origins.push(origin));
  expect((await miner.run()).accepted).toBeGreaterThan(0);
  expect(origins[0]).toMatch(/^own \d+$/);
  expect(warnings).toEqual(['DATA_EMPTY nothing', 'DATA_TOO_LARGE too']);
});

test("mines with an engine of the caller's own, which stays open", async () => {
  network = await startMiningNetwork();
  const js = createJsEngine();
  const scored: number[] = [];
  let closed = false;
  const engine: ScoringEngine = {
    name: 'mine',
    device: 'cpu',
    precision: 'f32',
    async load(weights, config, options) {
      const model = await js.load(weights, config, options);
      return {
        config,
        errorBound: model.errorBound,
        score(samples, scoreOptions) {
          scored.push(samples.length);
          return model.score(samples, scoreOptions);
        },
        close: () => model.close(),
      };
    },
    async close() {
      closed = true;
    },
  };
  const assembled = await network.miner({ ...withOwnSamples, samples: ownSamples(6), engine });
  expect(assembled.engine).toMatchObject({ name: 'mine' });
  expect(await assembled.miner.run()).toMatchObject({ scored: 6, rejected: 0 });
  expect(scored.length).toBeGreaterThan(0);
  await assembled.close();
  expect(closed).toBe(false);
});

test("finds hits with a distance engine of the caller's own, which stays open", async () => {
  network = await startMiningNetwork();
  const reference = createReferenceDistanceEngine();
  let scans = 0;
  let closed = false;
  const distance: DistanceEngine = {
    name: 'mine',
    device: 'cpu',
    scan(rows, targets, options) {
      scans++;
      return reference.scan(rows, targets, options);
    },
    async close() {
      closed = true;
    },
  };
  const assembled = await network.miner({ distance, maxAccepted: 1 });
  expect(assembled.distance).toMatchObject({ name: 'mine' });
  expect((await assembled.miner.run()).accepted).toBeGreaterThan(0);
  expect(scans).toBeGreaterThan(0);
  await assembled.close();
  expect(closed).toBe(false);
});

test("submits what a host of the caller's own serves, which stays open", async () => {
  network = await startMiningNetwork();
  const { dir, devnet } = network;
  const served = await HttpHost.listen({ dir: join(dir, 'own-host'), port: 0 });
  const published: string[] = [];
  let closed = false;
  const host: DataHost = {
    name: 'mine',
    async publish(checksum, bytes) {
      const url = await served.publish(checksum, bytes);
      published.push(url);
      return url;
    },
    publishFile: (checksum, path) => served.publishFile(checksum, path),
    remove: (checksum) => served.remove(checksum),
    async close() {
      closed = true;
    },
  };
  const assembled = await network.miner({ host, maxAccepted: 1 });
  expect((await assembled.miner.run()).accepted).toBeGreaterThan(0);
  await devnet.settleAudits();
  expect(devnet.verdicts.map(({ outcome }) => outcome)).toContain('honest');
  expect(published.length).toBeGreaterThan(0);
  await assembled.close();
  expect(closed).toBe(false);
  await served.close();
});

test.each([
  ['no data', { data: [] }],
  ['neither data nor samples', { data: undefined }],
  ['both', { data: ['a.txt'], samples: ownSamples(1) }],
])('refuses %s before it opens anything', async (_name, options) => {
  network = await startMiningNetwork();
  await expect(network.miner(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', hint: expect.any(String) });
});
