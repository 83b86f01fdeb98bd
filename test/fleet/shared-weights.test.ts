import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Objm } from '@nats-io/obj';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import type { QuarryError } from '../../src/errors/index.js';
import {
  type FleetConnection,
  FleetEngine,
  ModelShelf,
  openFleet,
  readSharedWeights,
  ScorerNode,
} from '../../src/fleet/index.js';
import { SharedWeights } from '../../src/fleet/shared-weights.js';
import { createBlake2b256 } from '../../src/native/blake2b.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { f32Engine } from './f32-engine.js';
import { type Published, publishModels } from './published-models.js';

let dir: string;
let server: NatsServer;
let published: Published;
let fleets = 0;
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
const closers: (() => Promise<void>)[] = [];
const warnings: QuarryError[] = [];

beforeAll(async () => {
  if (!hasNatsServer) return;
  dir = await mkdtemp(join(tmpdir(), 'quarry-shared-'));
  server = await startNatsServer(dir);
});
beforeEach(async () => {
  if (!hasNatsServer) return;
  fleets++;
  warnings.length = 0;
  await mkdir(join(dir, `published-${fleets}`));
  published = await publishModels(join(dir, `published-${fleets}`), 2);
  closers.push(() => published.close());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await server?.close();
  await http.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

async function connected(on = server): Promise<FleetConnection> {
  const connection = await openFleet({ url: on.url, fleet: `share-${fleets}`, name: 'test' });
  closers.push(() => connection.close());
  return connection;
}

function shared(fleet: FleetConnection): SharedWeights {
  return new SharedWeights(fleet, (warning) => warnings.push(warning));
}

/** A cache of a machine of its own, which asks the fleet first. */
function cacheOf(name: string): WeightsCache {
  return new WeightsCache({ dir: join(dir, `${name}-${fleets}`) }, { http });
}

const plain = (which: number): string => join(dir, `published-${fleets}`, `plain-${which}.safetensors`);

async function checksumOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createBlake2b256();
  for await (const piece of pieces) hash.update(piece);
  return Buffer.from(hash.digest()).toString('hex');
}

describe.skipIf(!hasNatsServer)('weights that a coordinator shares', () => {
  it('are loaded by a scorer when their host is gone', async () => {
    const [manifest] = published.models;
    const engine = await FleetEngine.open(
      { verifyShare: 0, shareWeights: true, onWarning: (warning) => warnings.push(warning) },
      { fleet: await connected(), local: f32Engine() },
    );
    closers.push(() => engine.close());
    const file = await cacheOf('coordinator').open(manifest!);
    await published.close();
    const loading = engine.load(file, MODEL_CONFIGS.small, { published: manifest! });

    const fleet = await connected();
    const models = new ModelShelf(
      { most: 1 },
      {
        weights: cacheOf('scorer'),
        engineFor: async () => f32Engine(),
        nearby: (wanted) => readSharedWeights(fleet, wanted),
      },
    );
    const options = { label: () => 'test', mostSamples: 8, batchMs: 200 };
    const node = new ScorerNode({ ...options, onWarning: (warning) => warnings.push(warning) }, { fleet, models });
    const stop = new AbortController();
    const running = node.run(stop.signal);
    closers.push(async () => {
      stop.abort();
      await running;
      await models.close();
    });

    const model = await loading;
    const sample = Uint8Array.of(1, 2, 3);
    const truth = await (await f32Engine().load(file, MODEL_CONFIGS.small)).score([sample]);
    await file.close();
    expect(await model.score([sample])).toEqual(truth);
    expect(warnings).toEqual([]);
  });

  it('are used only when they hash to the checksum; otherwise the host is asked', async () => {
    const [manifest] = published.models;
    const fleet = await connected();
    const store = await new Objm(fleet.nc).create(fleet.weightsBucket);
    const nearby = readSharedWeights(fleet, manifest!);
    for (const lie of [
      new Uint8Array(manifest!.sizeBytes),
      new Uint8Array(manifest!.sizeBytes + 1),
      new Uint8Array(3),
    ]) {
      await store.putBlob({ name: `${manifest!.checksum}.0` }, lie);
      const file = await cacheOf(`lied-to-${lie.length}`).open(manifest!, {
        nearby: readSharedWeights(fleet, manifest!),
      });
      await file.close();
    }
    expect(published.asked.get('model-0')).toBe(3);
    await store.destroy();
    const file = await cacheOf('nothing-there').open(manifest!, { nearby });
    await file.close();
    expect(published.asked.get('model-0')).toBe(4);
  });

  it('are uploaded once for all later coordinators, and deleted when others replace them', async () => {
    const fleet = await connected();
    const [first, second] = published.models;
    const weights = shared(fleet);
    await weights.put(first!, plain(0));
    const store = await new Objm(fleet.nc).open(fleet.weightsBucket);
    const before = await store.info(`${first!.checksum}.0`);
    const later = shared(await connected());
    await later.put(first!, plain(0));
    expect((await store.info(`${first!.checksum}.0`))?.revision).toBe(before?.revision);
    later.forget(first!);
    await later.put(second!, plain(1));
    expect((await store.list()).map(({ name }) => name)).toEqual([`${second!.checksum}.0`]);
    const { state } = await fleet.jsm.streams.info(`OBJ_${fleet.weightsBucket}`, { subjects_filter: '>' });
    expect(Object.keys(state.subjects ?? {})).toHaveLength(2);
    expect(await checksumOf(readSharedWeights(fleet, second!))).toBe(second!.checksum);
    expect(warnings).toEqual([]);
  });

  it('travel in parts', async () => {
    const home = join(dir, 'large');
    await mkdir(home);
    const large = await publishModels(home, 1, MODEL_CONFIGS.medium);
    closers.push(() => large.close());
    const [manifest] = large.models;
    const fleet = await connected();
    await shared(fleet).put(manifest!, join(home, 'plain-0.safetensors'));
    const store = await new Objm(fleet.nc).open(fleet.weightsBucket);
    expect((await store.list()).length).toBe(Math.ceil(manifest!.sizeBytes / 2 ** 23));
    expect((await store.list()).length).toBeGreaterThan(1);
    expect(await checksumOf(readSharedWeights(fleet, manifest!))).toBe(manifest!.checksum);
  });

  it('leave no half-uploaded part behind when a coordinator is killed', async () => {
    const fleet = await connected();
    const [first, second] = published.models;
    await shared(fleet).put(first!, plain(0));
    await fleet.nc.request(`$O.${fleet.weightsBucket}.C.halfput`, new Uint8Array(1000));
    await shared(fleet).put(second!, plain(1));
    const stream = `OBJ_${fleet.weightsBucket}`;
    const { state } = await fleet.jsm.streams.info(stream, { subjects_filter: `$O.${fleet.weightsBucket}.C.>` });
    expect(Object.keys(state.subjects ?? {})).toHaveLength(2);
  });

  it('are not shared, with a warning, when the file differs or the server has no room', async () => {
    const fleet = await connected();
    const [first] = published.models;
    await shared(fleet).put(first!, plain(1));
    const full = join(dir, 'full.conf');
    await writeFile(full, 'jetstream { max_file_store: 51200 }');
    const small = await startNatsServer(join(dir, 'full'), ['-c', full]);
    closers.push(() => small.close());
    await shared(await connected(small)).put(first!, plain(0));
    expect(warnings.map(({ code }) => code)).toEqual(['UNREACHABLE', 'UNREACHABLE']);
    expect(warnings[0]?.message).toContain('does not hold the weights');
    await expect(readSharedWeights(fleet, first!).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const stream = `OBJ_${fleet.weightsBucket}`;
    const { state } = await fleet.jsm.streams.info(stream, { subjects_filter: `$O.${fleet.weightsBucket}.>` });
    expect(state.subjects ?? {}).toEqual({});
  });

  it('are no longer awaited once the wait is given up', async () => {
    const fleet = await connected();
    const [first] = published.models;
    await shared(fleet).put(first!, plain(0));
    // The part is named, and its bytes never come.
    await fleet.jsm.streams.purge(`OBJ_${fleet.weightsBucket}`, { filter: `$O.${fleet.weightsBucket}.C.>` });
    const stop = new AbortController();
    const next = readSharedWeights(fleet, first!, stop.signal).next();
    stop.abort();
    await expect(next).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
