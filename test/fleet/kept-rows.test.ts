import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers, type Msg } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import { variedBytes } from '../../bench/varied-bytes.js';
import type { ScoringEngine } from '../../src/engine/contract.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { cosineDistance } from '../../src/engine/reference/index.js';
import type { QuarryError } from '../../src/errors/index.js';
import {
  FleetEngine,
  type FleetRows,
  KeptRows,
  ModelShelf,
  openFleet,
  RowKeeper,
  ScorerNode,
} from '../../src/fleet/index.js';
import { beatSubject, bytesSubject, encodeBeat, scanSubject } from '../../src/fleet/rows/row-subjects.js';
import { decodeRequest, encodeDone, encodeHit } from '../../src/fleet/rows/scan-wire.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { type FarPolicy, type FarSample, type MatchTarget, openStore, type Store } from '../../src/store/index.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { startMiningNetwork } from '../miner/network.js';
import { canMount, mountSmallDisk } from '../miner/small-disk.js';
import { until } from '../until.js';
import { type Published, publishModels } from './published-models.js';

const { embeddingDim } = MODEL_CONFIGS.small;
let dir: string;
let published: Published;
let server: NatsServer;
let fleets = 0;
let fleet: string;
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
const closers: (() => Promise<void> | void)[] = [];
const warnings: QuarryError[] = [];
const never = new AbortController().signal;

beforeAll(async () => {
  if (!hasNatsServer) return;
  dir = await mkdtemp(join(tmpdir(), 'quarry-kept-'));
  published = await publishModels(dir, 2);
  server = await startNatsServer(dir);
});
afterAll(async () => {
  await server?.close();
  await published?.close();
  await http.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  fleet = `kept-${fleets++}`;
  warnings.length = 0;
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const engineHere = (): ScoringEngine => createNativeScoringEngine({ threads: 1, precision: 'f32' });
const cache = (name: string): WeightsCache => new WeightsCache({ dir: join(dir, name) }, { http });
const onWarning = (error: QuarryError): void => void warnings.push(error);

interface Keeper {
  readonly rows: KeptRows;
  readonly stateDir: string;
  /** Ends it; its rows stay on its disk. */
  close(): Promise<void>;
}

/** A scorer of this process that keeps rows. */
async function startKeeper(
  stateDir = join(dir, `rows-${fleet}-${Math.random()}`),
  on = server,
  pauseMs?: number,
): Promise<Keeper> {
  const connection = await openFleet({ url: on.url, fleet, name: 'keeper' });
  const models = new ModelShelf({ most: 3 }, { weights: cache('scorers'), engineFor: async () => engineHere() });
  const rows = new KeptRows(stateDir, { models, known: () => node.known, onWarning });
  const limits = { mostSamples: 8, batchMs: 200, onWarning };
  const node: ScorerNode = new ScorerNode(
    { ...limits, label: () => 'test', keptRows: () => rows.count },
    { fleet: connection, models },
  );
  const keeper = new RowKeeper({ ...limits, scorer: node.id, pauseMs }, { fleet: connection, rows });
  const stop = new AbortController();
  const running = Promise.allSettled([node.run(stop.signal), keeper.run(stop.signal)]);
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    stop.abort();
    await running;
    await models.close();
    await connection.close();
  };
  closers.push(close);
  return { rows, stateDir, close };
}

/** A coordinator with both models loaded, whose samples are kept by scorers. */
async function openRows(
  gatherMs: number,
  verifyShare = 0,
  on = server,
): Promise<{ engine: FleetEngine; rows: FleetRows }> {
  const connection = await openFleet({ url: on.url, fleet, name: 'coordinator' });
  const engine = await FleetEngine.open(
    { verifyShare, onWarning, random: () => 1 },
    { fleet: connection, local: engineHere() },
  );
  closers.push(() => engine.close());
  const rows = await engine.rows({ gatherMs, keepThere: true });
  for (const manifest of published.models) {
    const file = await cache('coordinator').open(manifest);
    await engine.load(file, MODEL_CONFIGS.small, { published: manifest });
    await file.close();
  }
  return { engine, rows };
}

const keys = () => published.models.map((manifest) => ({ architecture: 'v1', checksum: weightsIdentity(manifest) }));

/** All rows in one store, as they would be without a fleet. */
async function oneStore(samples: readonly Uint8Array[]): Promise<Store> {
  const store = await openStore({ dir: join(dir, `one-${fleet}`), embeddingDim });
  closers.push(() => store.close());
  const appended = await store.appendSamples(samples.map((bytes) => ({ bytes })));
  for (const [i, manifest] of published.models.entries()) {
    const file = await cache('coordinator').open(manifest);
    const model = await engineHere().load(file, MODEL_CONFIGS.small);
    const scores = await model.score(samples);
    await store.appendScores(
      keys()[i]!,
      scores.map((score, s) => ({ sampleId: appended[s]!.id, ...score })),
    );
    await file.close();
  }
  return store;
}

const chunks = (count: number): Uint8Array[] => {
  const bytes = variedBytes(count, 11);
  return Array.from({ length: count }, (_, i) => bytes.slice(i * 1024, (i + 1) * 1024));
};

const policy = (more: Partial<FarPolicy> = {}): FarPolicy => {
  return { pick: 'closest', exclude: () => [], freshOnly: false, maxParts: 0, fewest: false, ...more };
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What takes everything, and what it was given. */
function taker(): { readonly given: FarSample[]; take(found: FarSample): Promise<boolean> } {
  const given: FarSample[] = [];
  return { given, take: async (found) => given.push(found) > 0 };
}

async function keepAll(rows: FleetRows, samples: readonly Uint8Array[]): Promise<void> {
  expect(await Promise.all(samples.map((sample) => rows.keep!(sample, never)))).toEqual(samples.map(() => true));
  await until(() => rows.stats.keptRows === samples.length, 'all scorers to say how many rows they have');
}

describe.skipIf(!hasNatsServer)('rows that scorers keep', () => {
  it('are each kept once, under all models, and searched as one store would be', async () => {
    const [one, two] = [await startKeeper(), await startKeeper()];
    const { rows } = await openRows(30_000);
    const samples = chunks(24);
    await keepAll(rows, samples);
    expect(one.rows.count + two.rows.count).toBe(24);
    const whole = await oneStore(samples);
    const targets = [3, 11, 20].map((id, t): MatchTarget => {
      const losses = keys().map((key) => whole.score(id, key)!.loss);
      const { embedding } = whole.score(id, keys()[losses[1]! < losses[0]! ? 1 : 0]!)!;
      return { id: `target ${t}`, models: keys(), embedding, threshold: 0.9 };
    });
    const expected = await whole.match(targets, { pick: 'closest' });
    const { given, take } = taker();
    await rows.find(targets, policy(), take);
    const found = new Map(given.map((each) => [each.targetId, each]));
    expect(found.size).toBe(3);
    for (const hit of expected) {
      const sample = found.get(hit.targetId)!;
      expect(hex(sample.checksum)).toBe(hex(whole.checksum(hit.sampleId)!));
      expect(sample.scores).toEqual(keys().map((key) => whole.score(hit.sampleId, key)));
      expect((await sample.fetch())!.bytes).toEqual(whole.sample(hit.sampleId).bytes);
    }
    expect(rows.stats).toMatchObject({ keepers: 2, keptRows: 24, scans: 1, partialScans: 0 });
    // A search of what is new looks at everything once, and at nothing twice.
    expect(rows.hasFresh).toBe(true);
    await rows.find(targets, policy({ freshOnly: true }), take);
    expect(rows.hasFresh).toBe(false);
    const again = taker();
    await rows.find(targets, policy({ freshOnly: true }), again.take);
    expect(again.given).toEqual([]);
    const refused = taker();
    const exclude = (targetId: string): string[] => [hex(found.get(targetId)!.checksum)];
    await rows.find(targets, policy({ exclude }), refused.take);
    for (const { targetId, checksum } of refused.given) expect(hex(checksum)).not.toBe(exclude(targetId)[0]);
  });

  it('are each kept once while the disk of the server is full', async () => {
    const full = join(dir, 'full.conf');
    await writeFile(full, 'jetstream { max_file_store: 10240 }');
    const small = await startNatsServer(join(dir, 'full'), ['-c', full]);
    closers.push(() => small.close());
    const keepers = [await startKeeper(undefined, small), await startKeeper(undefined, small)];
    const { engine, rows } = await openRows(30_000, 0, small);
    const samples = chunks(40);
    await keepAll(rows, samples);
    // A probe for each of the models.
    expect(engine.stats).toMatchObject({ samples: 42, leftOut: 0 });
    const kept: string[] = [];
    for (const { close, stateDir } of keepers) {
      await close();
      const store = await openStore({ dir: stateDir, embeddingDim });
      for (let id = 0; id < store.sampleCount; id++) kept.push(hex(store.checksum(id)!));
      for (const key of keys()) expect(store.scoreCount(key)).toBe(store.sampleCount);
      await store.close();
    }
    expect(kept.toSorted()).toEqual(samples.map((sample) => hex(blake2b256(sample))).toSorted());
  });

  it('are not lost where the disk of their only scorer is full for a while', async (ctx) => {
    if (!canMount()) return ctx.skip('a small file system cannot be mounted here');
    const disk = await mountSmallDisk(join(dir, 'small-disk'), 2 ** 25);
    closers.push(() => disk.close());
    const keeper = await startKeeper(join(disk.dir, 'rows'), server, 100);
    const { engine, rows } = await openRows(30_000);
    const [first, ...others] = chunks(12);
    await keepAll(rows, [first!]);
    await disk.leave(0);
    const kept = Promise.all(others.map((sample) => rows.keep!(sample, never)));
    // Each time it is tried in vain a person is told; were samples taken in vain, five times would be enough.
    await until(() => warnings.length >= 15, 'the keeper to find no room again and again');
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['DISK_FULL']));
    await disk.leave(2 ** 25);
    expect(await kept).toEqual(others.map(() => true));
    expect(engine.stats).toMatchObject({ samples: 14, leftOut: 0 });
    expect(keeper.rows.count).toBe(12);
  });

  it('outlive their scorer, which answers for them when it comes back; until then an answer is partial', async () => {
    const keeper = await startKeeper();
    const { rows } = await openRows(1_000);
    const samples = chunks(6);
    await keepAll(rows, samples);
    const [target] = [{ id: 'any', models: keys(), embedding: new Float32Array(embeddingDim).fill(1), threshold: 2 }];
    await keeper.close();
    const nothing = taker();
    // It is still expected to answer.
    expect(rows.stats.keepers).toBe(1);
    await rows.find([target!], policy(), nothing.take);
    expect(nothing.given).toEqual([]);
    expect(rows.stats.partialScans).toBe(1);
    await startKeeper(keeper.stateDir);
    const found = taker();
    await until(async () => {
      await rows.find([target!], policy(), found.take);
      return found.given.length > 0;
    }, 'the rows to be found again');
  });

  it('are joined where they are for a target that none hits alone', async () => {
    await startKeeper();
    const { rows } = await openRows(60_000);
    const samples = chunks(8);
    await keepAll(rows, samples);
    const whole = await oneStore(samples);
    // One model: whatever the parts are, it wins.
    const [key] = keys();
    const [a, b] = [2, 5].map((id) => whole.score(id, key!)!.embedding);
    const embedding = a!.map((value, i) => (value + b![i]!) / 2);
    const alone = samples.map((_, id) => cosineDistance(whole.score(id, key!)!.embedding, embedding));
    const target = { id: 'between', models: [key!], embedding, threshold: Math.min(...alone) / 2 };
    const without = taker();
    await rows.find([target], policy(), without.take);
    expect(without.given).toEqual([]);
    const { given, take } = taker();
    await rows.find([target], policy({ maxParts: 16 }), take);
    const [joined] = given;
    const fetched = await joined!.fetch();
    expect(hex(blake2b256(fetched!.bytes))).toBe(hex(joined!.checksum));
    expect(fetched!.bytes.length).toBeGreaterThan(1024);
    expect(cosineDistance(joined!.scores[0]!.embedding, embedding)).toBeLessThanOrEqual(target.threshold);
  });

  it('count for nothing where a scorer makes them up', async () => {
    await startKeeper();
    const { rows } = await openRows(2_000, 0.001);
    const { nc, prefix } = await openFleet({ url: server.url, fleet, name: 'liar' });
    closers.push(() => nc.close());
    const scorer = 'deadbeef';
    const sample = new TextEncoder().encode('whatever');
    const beat = setInterval(
      () => nc.publish(beatSubject(prefix), encodeBeat({ scorer, rows: 1, mark: 1, busy: false })),
      50,
    );
    closers.push(() => clearInterval(beat));
    let checksum = hex(blake2b256(sample));
    let width: number = embeddingDim;
    nc.subscribe(scanSubject(prefix), {
      callback: (_, message) => {
        const [target] = decodeRequest(message.data).targets;
        const embedding = target!.embedding.slice(0, width);
        const scores = target!.models.map((_model, i) => ({ loss: 1 + i, embedding, precision: 'f32' as const }));
        message.respond(new TextEncoder().encode('garbage'));
        message.respond(
          encodeHit({ scorer, targetId: target!.id, checksum, sizeBytes: 8, distance: 0, composed: false, scores }),
        );
        message.respond(encodeDone({ scorer, done: true, seen: 0 }));
      },
    });
    const found = headers();
    found.set('quarry-found', 'yes');
    const callback = (_: unknown, message: Msg): void => void message.respond(sample, { headers: found });
    nc.subscribe(bytesSubject(prefix, scorer), { callback });
    await until(() => rows.stats.keptRows > 0, 'the liar to be heard of');
    const embedding = new Float32Array(embeddingDim).fill(0.5);
    const target = { id: 'wanted', models: keys(), embedding, threshold: 0.1 };
    const fetched: unknown[] = [];
    const take = async (found: FarSample): Promise<boolean> => fetched.push(await found.fetch()) < 0;

    width = 3;
    await rows.find([target], policy(), take);
    expect(fetched).toEqual([]);
    width = embeddingDim;
    checksum = hex(blake2b256(new TextEncoder().encode('something else')));
    await rows.find([target], policy(), take);
    expect(fetched).toEqual([undefined]);
    // The bytes are what they are said to be, their scores are not: the first of a scorer is always checked.
    checksum = hex(blake2b256(sample));
    await rows.find([target], policy(), take);
    expect(fetched).toEqual([undefined, undefined]);
    expect(warnings.some(({ message }) => message.includes(`scorer ${scorer} is in quarantine`))).toBe(true);
    await until(() => rows.stats.keepers === 1, 'the honest one alone to be left');
    await rows.find([target], policy(), take);
    expect(fetched).toHaveLength(2);
  });

  it('hold nothing up where their scorer finishes no search in time, and the user is warned', async () => {
    await startKeeper();
    const { rows } = await openRows(100);
    const { nc, prefix } = await openFleet({ url: server.url, fleet, name: 'slow' });
    closers.push(() => nc.close());
    const scorer = '5105105f';
    const beat = setInterval(
      () => nc.publish(beatSubject(prefix), encodeBeat({ scorer, rows: 1, mark: 1, busy: true })),
      50,
    );
    closers.push(() => clearInterval(beat));
    let isLate = true;
    nc.subscribe(scanSubject(prefix), {
      callback: (_, message) => {
        if (!isLate) message.respond(encodeDone({ scorer, done: true, seen: 0 }));
      },
    });
    await until(() => rows.stats.keptRows > 0, 'the slow one to be heard of');
    const target = { id: 'wanted', models: keys(), embedding: new Float32Array(embeddingDim).fill(1), threshold: 0.1 };
    const { take } = taker();
    for (let search = 0; search < 5; search++) {
      expect(rows.hasFresh).toBe(true);
      expect(rows.busy).toBe(true);
      await rows.find([target], policy({ freshOnly: true }), take);
    }
    expect(rows.hasFresh).toBe(false);
    expect(rows.busy).toBe(false);
    const said = warnings.filter(({ code }) => code === 'TIMEOUT');
    expect(said.map(({ message }) => message)).toEqual([
      `scorer ${scorer} did not end 5 searches of its rows within 100 ms`,
    ]);
    // One that it ends in time, and it counts again.
    isLate = false;
    await until(async () => {
      await rows.find([target], policy({ freshOnly: true }), take);
      return rows.hasFresh;
    }, 'the slow one to count again');
  });

  it("win targets, with nothing but the winners in the miner's own store", async () => {
    const network = await startMiningNetwork();
    closers.push(() => network.close());
    const keeper = await startKeeper();
    let rows: FleetRows | undefined;
    const { miner, store, close } = await network.miner({
      maxAccepted: 3,
      untilIdle: false,
      overEngine: async (local) => {
        const connection = await openFleet({ url: server.url, fleet, name: 'coordinator' });
        const engine = await FleetEngine.open({ verifyShare: 0, onWarning }, { fleet: connection, local });
        rows = await engine.rows({ gatherMs: 30_000, keepThere: true });
        return engine;
      },
      farRows: () => rows,
    });
    const { accepted } = await miner.run();
    expect(accepted).toBeGreaterThanOrEqual(3);
    expect(keeper.rows.count).toBeGreaterThan(0);
    const origins = [...Array(store.sampleCount).keys()].map((id) => store.sample(id).origin);
    expect(origins.length).toBeGreaterThan(0);
    expect(origins.every((origin) => /by scorer [0-9a-f]{8}$/.test(origin))).toBe(true);
    await close();
  });
});
