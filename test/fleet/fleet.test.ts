import type { Msg } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { hasNatsServer } from '../../bench/nats-server.js';
import { Coordinator } from '../../src/fleet/coordinator.js';
import { fleetStatus } from '../../src/fleet/index.js';
import { consumerName, jobHeaders, workSubject } from '../../src/fleet/wire.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { until } from '../until.js';
import { FleetRig, samples } from './fleet-rig.js';

const rig = new FleetRig();

describe.skipIf(!hasNatsServer)('a fleet of scorers', () => {
  it('scores as one engine does, in order, each sample once', async () => {
    await rig.startScorer();
    await rig.startScorer();
    const engine = await rig.openEngine({ ackWaitMs: 20_000 });
    const model = await rig.load(engine);
    const inputs = samples(12);
    expect(await model.score(inputs)).toEqual(await rig.truth(inputs));
    // The probe at loading is one more.
    expect(engine.stats).toMatchObject({ samples: 13, redelivered: 0, refused: 0, leftOut: 0 });
  });

  it("has this machine's engine take work too, and its answers need no check", async () => {
    const engine = await rig.openEngine({ scoreHere: true, verifyShare: 1 });
    const model = await rig.load(engine);
    const inputs = samples(5);
    expect(await model.score(inputs)).toEqual(await rig.truth(inputs));
    expect(await model.confirm!(inputs[0]!)).toEqual((await rig.truth(inputs))[0]);
    expect(engine.stats).toMatchObject({ scorers: 1, samples: 6 });
  });

  it('has a scorer score on while its last answers are on their way, but no further', async () => {
    let calls = 0;
    await rig.startScorer({ before: async () => void calls++ });
    await rig.load(await rig.openEngine({ ackWaitMs: 60_000 }));
    await until(() => calls === 1, 'the model to be loaded');
    const { nc, js, prefix } = await rig.connected();
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
    const subject = workSubject(prefix, weightsIdentity(rig.published.models[0]!), 'own');
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

  it('withdraws a closed model once its last samples are scored', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isLoaded = false;
    await rig.startScorer({ before: () => (isLoaded ? held : undefined) });
    const engine = await rig.openEngine({ sweepMs: 100 });
    const model = await rig.load(engine);
    isLoaded = true;
    const inputs = samples(4);
    const scores = model.score(inputs);
    const closed = model.close();
    const connection = await rig.connected();
    await until(async () => (await fleetStatus(connection)).queued > 0, 'the samples to be queued');
    release();
    expect(await scores).toEqual(await rig.truth(inputs));
    await closed;
    expect(await fleetStatus(connection)).toMatchObject({ models: [], queued: 0 });
    expect(rig.warnings).toEqual([]);
  });

  it('does not load a model that no scorer can load, and loads it once one can', async () => {
    let works = false;
    await rig.startScorer({ change: (score) => (works ? score : { ...score, loss: Number.NaN }) });
    const engine = await rig.openEngine({ maxDeliveries: 2 });
    await expect(rig.load(engine)).rejects.toMatchObject({ code: 'ENGINE_FAILED', retryable: true });
    expect((await fleetStatus(await rig.connected())).models).toEqual([]);
    works = true;
    const model = await rig.load(engine);
    expect(await model.score(samples(2))).toEqual(await rig.truth(samples(2)));
  });

  it('hands one sample alone to a scorer that has yet to load its model', async () => {
    const connection = await rig.connected();
    const coordinator = await Coordinator.open(connection, { onWarning: (error) => rig.warnings.push(error) });
    rig.closers.push(() => coordinator.close());
    const manifest = rig.published.models[0]!;
    const model = { manifest, config: MODEL_CONFIGS.small };
    await coordinator.publishModel(model);
    const stop = new AbortController();
    const order = { model, precision: 'own' as const, seed: 0n, signal: stop.signal };
    const scores = coordinator.score(order, samples(8));
    scores.catch(() => {});
    await until(async () => (await fleetStatus(connection)).queued === 8, 'eight samples wait');
    await rig.startScorer({ load: () => Promise.reject(new Error('out of memory')) });
    await until(() => rig.warnings.some(({ message }) => message.includes('loading model')), 'the scorer says so');
    const consumer = consumerName(weightsIdentity(manifest), 'own');
    expect((await connection.jsm.consumers.info(connection.stream, consumer)).delivered.consumer_seq).toBe(1);
    stop.abort();
  });

  it('goes on when strangers send advisories of no meaning, and when the taker of warnings throws', async () => {
    let isLoaded = false;
    await rig.startScorer({ change: (score) => (isLoaded ? { ...score, loss: Number.NaN } : score) });
    const onWarning = (): void => {
      throw new Error('nobody listens');
    };
    const engine = await rig.openEngine({ maxDeliveries: 2, onWarning });
    const model = await rig.load(engine);
    isLoaded = true;
    const { nc, stream } = await rig.connected();
    for (const text of ['no JSON', 'null', '{"stream_seq": "1"}', '{"stream_seq": -1}']) {
      nc.publish(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.x`, text);
    }
    await nc.flush();
    expect((await model.score(samples(1)))[0]?.loss).toBeNaN();
    isLoaded = false;
    expect(await model.score(samples(3))).toEqual(await rig.truth(samples(3)));
  });

  it('knows who is there and how much waits, and no more of a scorer that is gone or talks nonsense', async () => {
    const scorer = await rig.startScorer();
    const engine = await rig.openEngine({ watchMs: 50 });
    const model = await rig.load(engine);
    const { scorers } = await rig.connected();
    for (const nonsense of ['no JSON', 'null', '{"id": "0badcafe"}', '{"id": "0badcafe", "label": 1, "models": []}']) {
      await scorers.put('0badcafe', nonsense);
      expect((await fleetStatus(await rig.connected())).scorers.map(({ id }) => id)).not.toContain('0badcafe');
    }
    await model.score(samples(5));
    // A scorer that was held up may have answered one twice, and counts both.
    const told = await until(() => engine.status?.scorers.find(({ samples }) => samples >= 6), 'six samples');
    expect(engine.stats.samples).toBe(6);
    expect(told).toMatchObject({ label: 'test', models: [weightsIdentity(rig.published.models[0]!)] });
    expect(engine.status?.queued).toBe(0);
    await scorer.stop();
    await until(() => engine.status?.scorers.length === 0, 'the scorer to be gone');
    const waiting = new AbortController();
    const unanswered = model.score(samples(3), { signal: waiting.signal });
    unanswered.catch(() => {});
    await until(() => engine.status?.queued === 3, 'three samples to wait');
    waiting.abort();
  });

  it('stops when it is told to', async () => {
    const engine = await rig.openEngine();
    const controller = new AbortController();
    const manifest = rig.published.models[0]!;
    const file = await rig.cache().open(manifest);
    const loading = engine.load(file, MODEL_CONFIGS.small, { published: manifest, signal: controller.signal });
    controller.abort();
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
    await file.close();
  });
});
