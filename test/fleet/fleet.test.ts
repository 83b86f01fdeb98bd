import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Msg } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import type { LoadedModel, LoadOptions, Score, ScoringEngine } from '../../src/engine/index.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import type { QuarryError } from '../../src/errors/index.js';
import { Coordinator } from '../../src/fleet/coordinator.js';
import {
  type FleetConnection,
  FleetEngine,
  type FleetEngineOptions,
  fleetStatus,
  ModelShelf,
  openFleet,
  ScorerNode,
} from '../../src/fleet/index.js';
import type { Delivery } from '../../src/fleet/pull.js';
import { consumerName, jobHeaders, workSubject } from '../../src/fleet/wire.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/http/index.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import { until } from '../until.js';
import { type Published, publishModels } from './published-models.js';
import { startRawScorer } from './raw-scorer.js';

let dir: string;
let published: Published;
let server: NatsServer;
let fleets = 0;
let fleet: string;
const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
const closers: (() => Promise<void>)[] = [];
const warnings: QuarryError[] = [];

beforeAll(async () => {
  if (!hasNatsServer) {
    console.warn('SKIPPED: fleet tests need nats-server (apt-get install nats-server)');
    return;
  }
  dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-'));
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
  fleet = `test-${fleets++}`;
  warnings.length = 0;
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A scorer of this process; `change` makes it lie. */
async function startScorer(
  change: (score: Score) => Score = (score) => score,
  on = server,
  load?: ScoringEngine['load'],
  before?: () => Promise<void> | undefined,
): Promise<{ ended: Promise<void> }> {
  const connection = await openFleet({ url: on.url, fleet, name: 'scorer' });
  const engine = { ...changed(createJsEngine(), change, before), ...(load && { load }) };
  const weights = new WeightsCache({ dir: join(dir, `cache-${fleet}-${Math.random()}`) }, { http });
  const models = new ModelShelf({ most: 2 }, { weights, engineFor: async () => engine });
  const node = new ScorerNode(
    { label: () => 'test', mostSamples: 8, batchMs: 200, onWarning: (error) => warnings.push(error) },
    { fleet: connection, models },
  );
  const stop = new AbortController();
  const ended = node.run(stop.signal);
  ended.catch(() => {});
  closers.push(async () => {
    stop.abort();
    await ended.catch(() => {});
    await models.close();
    await connection.close();
  });
  return { ended };
}

/** A connection that is closed with the test. */
async function connected(on = server): Promise<FleetConnection> {
  const connection = await openFleet({ url: on.url, fleet, name: 'test' });
  closers.push(() => connection.close());
  return connection;
}

function changed(
  engine: ScoringEngine,
  change: (score: Score) => Score,
  before?: () => Promise<void> | undefined,
): ScoringEngine {
  return {
    name: engine.name,
    device: engine.device,
    precision: engine.precision,
    close: () => engine.close(),
    load: async (weights, config) => {
      const model = await engine.load(weights, config);
      return {
        config,
        errorBound: model.errorBound,
        close: () => model.close(),
        score: async (samples, options) => {
          await before?.();
          return (await model.score(samples, options)).map(change);
        },
      };
    },
  };
}

async function openEngine(options: Partial<FleetEngineOptions> = {}, on = server): Promise<FleetEngine> {
  const connection = await openFleet({ url: on.url, fleet, name: 'coordinator' });
  const engine = await FleetEngine.open(
    { verifyShare: 0, onWarning: (error) => warnings.push(error), ackWaitMs: 2_000, ...options },
    { fleet: connection, local: createJsEngine() },
  );
  closers.push(() => engine.close());
  return engine;
}

async function load(engine: ScoringEngine, options: LoadOptions = {}, which = 0): Promise<LoadedModel> {
  const manifest = published.models[which];
  const cache = new WeightsCache({ dir: join(dir, 'coordinator') }, { http });
  const file = await cache.open(manifest!);
  const model = await engine.load(file, MODEL_CONFIGS.small, { ...options, published: manifest! });
  await file.close();
  return model;
}

const cache = (): WeightsCache => new WeightsCache({ dir: join(dir, 'coordinator') }, { http });

const samples = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => new TextEncoder().encode(`sample number ${i}`));

async function truth(inputs: readonly Uint8Array[]): Promise<Score[]> {
  const cache = new WeightsCache({ dir: join(dir, 'coordinator') }, { http });
  const file = await cache.open(published.models[0]!);
  const model = await createJsEngine().load(file, MODEL_CONFIGS.small);
  const scores = await model.score(inputs);
  await file.close();
  return scores;
}

describe.skipIf(!hasNatsServer)('a fleet of scorers', () => {
  it('scores as one engine does, in order, each sample once', async () => {
    await startScorer();
    await startScorer();
    const engine = await openEngine({ ackWaitMs: 20_000 });
    const model = await load(engine);
    const inputs = samples(12);
    expect(await model.score(inputs)).toEqual(await truth(inputs));
    // The probe at loading is one more.
    expect(engine.stats).toMatchObject({ samples: 13, redelivered: 0, refused: 0, leftOut: 0 });
  });

  it('puts a scorer that answers NaN aside and has the sample scored elsewhere, or gives it up with a warning', async () => {
    let isLoaded = false;
    await startScorer((score) => (isLoaded ? { ...score, loss: Number.NaN } : score));
    const engine = await openEngine({ maxDeliveries: 3, ackWaitMs: 20_000 });
    const model = await load(engine);
    isLoaded = true;
    const [score] = await model.score(samples(1));
    expect(score?.loss).toBeNaN();
    expect(engine.stats).toMatchObject({ samples: 1, leftOut: 1, refused: 3 });
    expect(warnings.some(({ message }) => message.includes('is skipped'))).toBe(true);
  });

  it('quarantines a scorer whose scores are wrong, and replaces what was checked', async () => {
    const liar = await startScorer((score) => ({ ...score, loss: score.loss - 1 }));
    const engine = await openEngine({ verifyShare: 1 });
    const model = await load(engine);
    const inputs = samples(1);
    expect(await model.score(inputs)).toEqual(await truth(inputs));
    expect(warnings.some(({ message }) => message.includes('quarantine'))).toBe(true);
    const next = model.score(samples(3));
    await expect(liar.ended).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await startScorer();
    expect(await next).toEqual(await truth(samples(3)));
  });

  it("quarantines a scorer that answers with another model's rows, and replaces them", async () => {
    const liar = await startScorer(undefined, server, async (_, config) => {
      const file = await cache().open(published.models[1]!);
      try {
        return await createJsEngine().load(file, config);
      } finally {
        await file.close();
      }
    });
    const engine = await openEngine({ verifyShare: 1 });
    const model = await load(engine);
    expect(await model.score(samples(1))).toEqual(await truth(samples(1)));
    expect(warnings.some(({ message }) => message.includes('quarantine'))).toBe(true);
    const next = model.score(samples(3));
    await expect(liar.ended).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await startScorer();
    expect(await next).toEqual(await truth(samples(3)));
  });

  it('takes back what a scorer said since its last good check, once a check finds it wrong', async () => {
    let lies = 0;
    await startScorer((score) => (lies > 0 ? { ...score, loss: score.loss - 1 } : score));
    let checks = 0;
    const engine = await openEngine({ verifyShare: 0.5, random: () => (checks > 0 ? 0 : 1) });
    const withdrawn: string[] = [];
    const hex = (checksum: Uint8Array): string => Buffer.from(checksum).toString('hex');
    const model = await load(engine, { onWithdrawn: (checksums) => withdrawn.push(...checksums.map(hex)) });
    const [good, checked, doubtful, found] = [0, 1, 2, 3].map((i) => [new TextEncoder().encode(`part ${i}`)]);
    await model.score(good!);
    checks = 1;
    await model.score(checked!);
    checks = 0;
    lies = 1;
    const before = await model.score(doubtful!);
    expect(before).not.toEqual(await truth(doubtful!));
    checks = 1;
    expect(await model.score(found!)).toEqual(await truth(found!));
    expect(withdrawn).toEqual([hex(blake2b256(doubtful![0]!))]);
    expect(warnings.at(-1)?.hint).toContain('1 scores');
  });

  it("has this machine's engine take work too, and its answers need no check", async () => {
    const engine = await openEngine({ scoreHere: true, verifyShare: 1 });
    const model = await load(engine);
    const inputs = samples(5);
    expect(await model.score(inputs)).toEqual(await truth(inputs));
    expect(await model.confirm!(inputs[0]!)).toEqual((await truth(inputs))[0]);
    expect(engine.stats).toMatchObject({ scorers: 1, samples: 6 });
  });

  it('outlives the server: what was asked is answered after it comes back', async () => {
    await startScorer();
    const engine = await openEngine();
    const model = await load(engine);
    await server.kill();
    const inputs = samples(4);
    const scores = model.score(inputs);
    await server.restart();
    expect(await scores).toEqual(await truth(inputs));
  });

  it('loses nothing when a scorer is killed: what it had in hand is scored by another', async () => {
    const args = (name: string): string[] => [
      ...['bin/quarry.js', 'scorer', '--nats', server.url, '--fleet', fleet, '--allow-loopback'],
      ...['--state-dir', join(dir, name), '--engine', 'js', '--workers', '1'],
    ];
    const [victim, survivor] = ['victim', 'survivor'].map((name) =>
      spawn(process.execPath, args(name), { stdio: 'ignore' }),
    );
    const engine = await openEngine();
    const model = await load(engine);
    const inputs = samples(60);
    const scores = model.score(inputs);
    await until(() => engine.stats.samples >= 10, 'ten samples');
    victim!.kill('SIGKILL');
    expect(await scores).toEqual(await truth(inputs));
    // One more than was asked: loading a model scores a sample of its own.
    expect(engine.stats).toMatchObject({ samples: 61, leftOut: 0 });
    survivor!.kill('SIGINT');
  });

  it('counts an answer that comes twice once', async () => {
    const engine = await openEngine({ ackWaitMs: 60_000 });
    const raw = await startRawScorer({ url: server.url, fleet }, published.models[0]!, cache(), async (send, job) => {
      await send();
      expect(await send()).toBe('taken');
      job.ack();
    });
    const model = await load(engine);
    expect(await model.score(samples(4))).toEqual(await truth(samples(4)));
    expect(engine.stats).toMatchObject({ samples: 5, duplicates: 5, leftOut: 0 });
    await raw.close();
  });

  it('has a sample scored again whose answer is garbage, and takes the next one', async () => {
    const engine = await openEngine();
    let garbage = 3;
    const raw = await startRawScorer({ url: server.url, fleet }, published.models[0]!, cache(), async (send, job) => {
      const isGarbage = garbage-- > 0;
      const receipt = await send(isGarbage ? new Uint8Array(7) : undefined);
      expect(receipt).toBe(isGarbage ? 'refused' : 'taken');
      job.ack();
    });
    const model = await load(engine);
    expect(await model.score(samples(4))).toEqual(await truth(samples(4)));
    expect(engine.stats).toMatchObject({ samples: 5, refused: 3, leftOut: 0 });
    await raw.close();
  });

  it('takes an answer that comes too late once, whoever scored the sample meanwhile', async () => {
    const engine = await openEngine();
    const late = new Map<string, () => Promise<void>>();
    const raw = await startRawScorer({ url: server.url, fleet }, published.models[0]!, cache(), async (send, job) => {
      const id = job.message.headers?.get('quarry-job') ?? '';
      if (job.deliveries === 1) return void late.set(id, async () => void (await send()));
      await send();
      // The first answer comes only now.
      await late.get(id)!();
      job.ack();
    });
    const model = await load(engine);
    expect(await model.score(samples(4))).toEqual(await truth(samples(4)));
    await raw.close();
    expect(engine.stats).toMatchObject({ samples: 5, redelivered: 5, leftOut: 0 });
    // A slow machine hands out a third time.
    expect(engine.stats.duplicates).toBeGreaterThanOrEqual(5);
  });

  it('leaves a sample out whose scorers say for ever that they are at it, and says so', async () => {
    const engine = await openEngine({ mostHeldMs: 200, maxDeliveries: 2, sweepMs: 200 });
    const held = new Set<Delivery>();
    const raw = await startRawScorer({ url: server.url, fleet }, published.models[0]!, cache(), async (send, job) => {
      if (job.message.data.length > 1) return void held.add(job);
      await send();
      job.ack();
    });
    const progress = setInterval(() => {
      for (const job of held) job.working();
    }, 50);
    closers.push(async () => clearInterval(progress));
    const model = await load(engine);
    const [score] = await model.score([new Uint8Array(20).fill(7)]);
    await raw.close();
    expect(score?.loss).toBeNaN();
    expect(engine.stats).toMatchObject({ samples: 1, leftOut: 1 });
    expect([...held].map(({ deliveries }) => deliveries)).toEqual([1, 1]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'a sample of 20 bytes is skipped: no scorer could score it',
    ]);
  });

  it('has a scorer score on while its last answers are on their way, but no further', async () => {
    let calls = 0;
    await startScorer(undefined, server, undefined, async () => void calls++);
    await load(await openEngine({ ackWaitMs: 60_000 }));
    await until(() => calls === 1, 'the model to be loaded');
    const { nc, js, prefix } = await connected();
    const waiting: Msg[] = [];
    let answers = 0;
    let isHeard = false;
    nc.subscribe('test.answers', {
      callback: (_, message) => {
        answers++;
        if (isHeard) message.respond('taken');
        else waiting.push(message);
      },
    });
    const subject = workSubject(prefix, weightsIdentity(published.models[0]!), 'own');
    for (let job = 0; job < 60; job++) {
      const headers = jobHeaders({ id: `job-${job}`, reply: 'test.answers', seed: 0n });
      await js.publish(subject, new Uint8Array(16).fill(job + 1), { headers });
    }
    await until(() => calls === 3, 'a second batch to be scored beside the answers of the first');
    const unheard = answers;
    isHeard = true;
    for (const message of waiting) message.respond('taken');
    await until(() => answers >= 60, 'all jobs to be answered');
    expect(unheard).toBeLessThan(60);
    expect(calls).toBeGreaterThan(3);
  });

  it('waits for room while the disk of the server is full, and loses nothing', async () => {
    const full = join(dir, 'full.conf');
    await writeFile(full, 'jetstream { max_file_store: 10240 }');
    const small = await startNatsServer(join(dir, 'full'), ['-c', full]);
    closers.push(() => small.close());
    const inputs = Array.from({ length: 20 }, (_, i) => new Uint8Array(1024).fill(i));
    const engine = await openEngine({}, small);
    await startScorer(undefined, small);
    const model = await load(engine);
    expect(await model.score(inputs)).toEqual(await truth(inputs));
    expect(engine.stats).toMatchObject({ samples: 21, leftOut: 0 });
  });

  it('does not load a model that no scorer can load, and loads it once one can', async () => {
    let works = false;
    await startScorer((score) => (works ? score : { ...score, loss: Number.NaN }));
    const engine = await openEngine({ maxDeliveries: 2 });
    await expect(load(engine)).rejects.toMatchObject({ code: 'ENGINE_FAILED', retryable: true });
    expect((await fleetStatus(await connected())).models).toEqual([]);
    works = true;
    const model = await load(engine);
    expect(await model.score(samples(2))).toEqual(await truth(samples(2)));
  });

  it('hands one sample alone to a scorer that has yet to load its model', async () => {
    const connection = await connected();
    const coordinator = await Coordinator.open(connection, { onWarning: (error) => warnings.push(error) });
    closers.push(() => coordinator.close());
    const manifest = published.models[0]!;
    const model = { manifest, config: MODEL_CONFIGS.small };
    await coordinator.publishModel(model);
    const stop = new AbortController();
    const order = { model, precision: 'own' as const, seed: 0n, signal: stop.signal };
    const scores = coordinator.score(order, samples(8));
    scores.catch(() => {});
    await until(async () => (await fleetStatus(connection)).queued === 8, 'eight samples wait');
    await startScorer(undefined, server, () => Promise.reject(new Error('out of memory')));
    await until(() => warnings.some(({ message }) => message.includes('loading model')), 'the scorer says so');
    const consumer = consumerName(weightsIdentity(manifest), 'own');
    expect((await connection.jsm.consumers.info(connection.stream, consumer)).delivered.consumer_seq).toBe(1);
    stop.abort();
  });

  it('goes on when strangers send advisories of no meaning, and when the taker of warnings throws', async () => {
    let isLoaded = false;
    await startScorer((score) => (isLoaded ? { ...score, loss: Number.NaN } : score));
    const onWarning = (): void => {
      throw new Error('nobody listens');
    };
    const engine = await openEngine({ maxDeliveries: 2, onWarning });
    const model = await load(engine);
    isLoaded = true;
    const { nc, stream } = await connected();
    for (const text of ['no JSON', 'null', '{"stream_seq": "1"}', '{"stream_seq": -1}']) {
      nc.publish(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.x`, text);
    }
    await nc.flush();
    expect((await model.score(samples(1)))[0]?.loss).toBeNaN();
    isLoaded = false;
    expect(await model.score(samples(3))).toEqual(await truth(samples(3)));
  });

  it('takes no answer from a scorer whose id is none', async () => {
    const engine = await openEngine();
    const names = ['', 'x'.repeat(100_000), '0badcafe ok', '0BADCAFE', '0badcafe'];
    const receipts: string[] = [];
    const raw = await startRawScorer({ url: server.url, fleet }, published.models[0]!, cache(), async (send, job) => {
      for (const name of names) receipts.push(await send(undefined, name));
      job.ack();
    });
    await load(engine);
    await raw.close();
    expect(receipts).toEqual(['refused', 'refused', 'refused', 'refused', 'taken']);
  });

  it.each([
    ['as it asks for them', false],
    ['where another has made the queue anew', true],
  ])('gives a server that lost its disk the models and the samples again, %s', async (name, isMadeAnew) => {
    const home = join(dir, name.replaceAll(' ', '-'));
    const other = await startNatsServer(home);
    closers.push(() => other.close());
    let isHeld = false;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await startScorer(undefined, other, undefined, () => (isHeld ? held : undefined));
    const engine = await openEngine({}, other);
    const model = await load(engine);
    isHeld = true;
    const scores = model.score(samples(20));
    const connection = await connected(other);
    await until(async () => (await fleetStatus(connection)).queued === 20, 'the samples wait');
    await other.kill();
    await rm(join(home, 'jetstream'), { recursive: true });
    await other.restart();
    if (isMadeAnew) await connected(other);
    release();
    expect(await scores).toEqual(await truth(samples(20)));
    expect(engine.stats).toMatchObject({ samples: 21, leftOut: 0 });
    // Scorers hear of what is published from now on.
    expect(await (await load(engine, {}, 1)).score(samples(2))).toHaveLength(2);
  });

  it('stops when it is told to', async () => {
    const engine = await openEngine();
    const controller = new AbortController();
    const manifest = published.models[0]!;
    const file = await new WeightsCache({ dir: join(dir, 'coordinator') }, { http }).open(manifest);
    const loading = engine.load(file, MODEL_CONFIGS.small, { published: manifest, signal: controller.signal });
    controller.abort();
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
    await file.close();
  });
});
