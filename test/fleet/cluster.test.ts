import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { freePort } from '../../bench/free-port.js';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import { type FleetConnection, FleetEngine, ModelShelf, openFleet, ScorerNode } from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { until } from '../until.js';
import { f32Engine } from './f32-engine.js';
import { publishModels } from './published-models.js';

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

async function startCluster(dir: string): Promise<NatsServer[]> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join();
  const servers = ports.map(async (port, i) => {
    const own = join(dir, `server-${i}`);
    await mkdir(own, { recursive: true });
    const place = ['--cluster', `nats://127.0.0.1:${port}`, '--cluster_name', 'test', '--routes', routes];
    return startNatsServer(own, ['-n', `server-${i}`, ...place]);
  });
  return Promise.all(servers);
}

it.skipIf(!hasNatsServer)(
  'goes on scoring when one of three servers dies',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-cluster-'));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const servers = await startCluster(dir);
    for (const server of servers) closers.push(() => server.close());
    const url = servers.map((server) => server.url).join();
    const open = (name: string): Promise<FleetConnection> => openFleet({ url, fleet: 'default', name, replicas: 3 });
    // The servers elect a leader first.
    let fleet: FleetConnection | undefined;
    await until(async () => {
      fleet = await open('coordinator').catch(() => undefined);
      return fleet !== undefined;
    }, 'the cluster has a leader');
    const engine = await FleetEngine.open(
      { verifyShare: 0, onWarning: () => {}, ackWaitMs: 2_000 },
      { fleet: fleet!, local: f32Engine() },
    );
    closers.push(() => engine.close());
    const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
    closers.push(() => http.close());
    const weights = new WeightsCache({ dir: join(dir, 'cache') }, { http });
    const models = new ModelShelf({ most: 1 }, { weights, engineFor: async () => f32Engine() });
    const scorer = await open('scorer');
    const stop = new AbortController();
    const limits = { mostSamples: 8, batchMs: 200 };
    const node = new ScorerNode({ ...limits, label: () => 'test', onWarning: () => {} }, { fleet: scorer, models });
    const running = node.run(stop.signal);
    closers.push(async () => {
      stop.abort();
      await running;
      await models.close();
      await scorer.close();
    });
    const published = await publishModels(dir, 1);
    closers.push(() => published.close());
    const file = await weights.open(published.models[0]!);
    const model = await engine.load(file, MODEL_CONFIGS.small, { published: published.models[0]! });
    await file.close();
    const samples = Array.from({ length: 40 }, (_, i) => new TextEncoder().encode(`sample ${i}`));
    const scores = model.score(samples);
    await until(async () => engine.stats.samples > 5, 'some samples are scored');
    await servers[0]!.kill();
    expect((await scores).every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(engine.stats).toMatchObject({ samples: 41, leftOut: 0 });
  },
  180_000,
);
