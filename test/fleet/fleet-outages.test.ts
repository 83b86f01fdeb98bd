import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer } from '../../bench/nats-server.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import { fleetStatus } from '../../src/fleet/index.js';
import { until } from '../until.js';
import { FleetRig, samples } from './fleet-rig.js';

const rig = new FleetRig();

describe.skipIf(!hasNatsServer)('a fleet whose parts fail', () => {
  it('outlives the server: what was asked is answered after it comes back', async () => {
    await rig.startScorer();
    const engine = await rig.openEngine();
    const model = await rig.load(engine);
    await rig.server.kill();
    const inputs = samples(4);
    const scores = model.score(inputs);
    await rig.server.restart();
    expect(await scores).toEqual(await rig.truth(inputs));
  });

  it('loses nothing when a scorer is killed: what it had in hand is scored by another', async () => {
    const args = (name: string): string[] => [
      ...['bin/quarry.js', 'scorer', '--nats', rig.server.url, '--fleet', rig.fleet, '--allow-loopback'],
      ...['--state-dir', join(rig.dir, name), '--engine', 'js', '--workers', '1'],
    ];
    const [victim, survivor] = ['victim', 'survivor'].map((name) =>
      spawn(process.execPath, args(name), { stdio: 'ignore' }),
    );
    const engine = await rig.openEngine();
    const model = await rig.load(engine);
    const inputs = samples(60);
    const scores = model.score(inputs);
    await until(() => engine.stats.samples >= 10, 'ten samples');
    victim!.kill('SIGKILL');
    // Scorers with a slow engine: the victim has some of the samples in hand.
    const portable = await rig.load(createJsEngine());
    expect(await scores).toEqual(await portable.score(inputs));
    // One more than was asked: loading a model scores a sample of its own.
    expect(engine.stats).toMatchObject({ samples: 61, leftOut: 0 });
    survivor!.kill('SIGINT');
  });

  it('waits for room while the disk of the server is full, and loses nothing', async () => {
    const small = await startSmall('full');
    const inputs = Array.from({ length: 20 }, (_, i) => new Uint8Array(1024).fill(i));
    const engine = await rig.openEngine({}, small);
    await rig.startScorer({ on: small });
    const model = await rig.load(engine);
    expect(await model.score(inputs)).toEqual(await rig.truth(inputs));
    expect(engine.stats).toMatchObject({ samples: 21, leftOut: 0 });
  });

  it.each([
    ['as it asks for them', { isMadeAnew: false, isInMemory: false }],
    ['where another has made the queue anew', { isMadeAnew: true, isInMemory: false }],
    ['where they lay in memory', { isMadeAnew: false, isInMemory: true }],
  ])('gives a server that lost its disk the models and the samples again, %s', async (name, how) => {
    const home = join(rig.dir, name.replaceAll(' ', '-'));
    const other = await startNatsServer(home);
    rig.closers.push(() => other.close());
    if (how.isInMemory) await makeInMemory(other.url, rig.fleet);
    let isHeld = false;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await rig.startScorer({ on: other, before: () => (isHeld ? held : undefined) });
    const engine = await rig.openEngine({}, other);
    const model = await rig.load(engine);
    isHeld = true;
    const scores = model.score(samples(20));
    const connection = await rig.connected(other);
    await until(async () => (await fleetStatus(connection)).queued === 20, 'the samples wait');
    await other.kill();
    if (!how.isInMemory) await rm(join(home, 'jetstream'), { recursive: true });
    await other.restart();
    if (how.isMadeAnew) await rig.connected(other);
    release();
    expect(await scores).toEqual(await rig.truth(samples(20)));
    expect(engine.stats).toMatchObject({ samples: 21, leftOut: 0 });
    // Scorers hear of what is published from now on.
    expect(await (await rig.load(engine, {}, 1)).score(samples(2))).toHaveLength(2);
  });

  it('makes a model known while the disk of the server is full, once there is room', async () => {
    const small = await startSmall('full-of-samples');
    let isHeld = false;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await rig.startScorer({ on: small, before: () => (isHeld ? held : undefined) });
    const engine = await rig.openEngine({}, small);
    const model = await rig.load(engine);
    isHeld = true;
    const inputs = Array.from({ length: 40 }, (_, i) => new Uint8Array(1024).fill(i));
    const scores = model.score(inputs);
    const { jsm } = await rig.connected(small);
    const isFull = async (): Promise<boolean> => (await jsm.getAccountInfo()).storage > 8_500;
    await until(isFull, 'no room for another sample');
    const loading = rig.load(engine, {}, 1);
    loading.catch(() => {});
    release();
    isHeld = false;
    expect(await scores).toEqual(await rig.truth(inputs));
    const second = await loading.catch(() => rig.load(engine, {}, 1));
    expect(await second.score(samples(2))).toHaveLength(2);
  });
});

/** A server whose disk is too small for a dozen samples of a kilobyte. */
async function startSmall(name: string): Promise<NatsServer> {
  const file = join(rig.dir, `${name}.conf`);
  await writeFile(file, 'jetstream { max_file_store: 10240 }');
  const small = await startNatsServer(join(rig.dir, name), ['-c', file]);
  rig.closers.push(() => small.close());
  return small;
}

/** Makes a fleet's place on a server as its operator may: in memory. */
async function makeInMemory(url: string, fleet: string): Promise<void> {
  const nc = await connect({ servers: url });
  const storage = StorageType.Memory;
  const jsm = await jetstreamManager(nc);
  const retention = RetentionPolicy.Workqueue;
  await jsm.streams.add({ name: `QUARRY_${fleet}`, subjects: [`quarry.${fleet}.work.>`], retention, storage });
  const kvm = new Kvm(nc);
  await kvm.create(`quarry_${fleet}_models`, { history: 1, storage });
  await kvm.create(`quarry_${fleet}_scorers`, { history: 1, ttl: 10_000, storage });
  await nc.close();
}
