import { describe, expect, it } from 'vitest';
import { hasNatsServer } from '../../bench/nats-server.js';
import type { Delivery } from '../../src/fleet/pull.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { f32Engine } from './f32-engine.js';
import { FleetRig, samples } from './fleet-rig.js';
import { startRawScorer } from './raw-scorer.js';

const rig = new FleetRig();

describe.skipIf(!hasNatsServer)('a fleet with wrong answers', () => {
  it('puts a scorer that answers NaN aside and has the sample scored elsewhere, or gives it up with a warning', async () => {
    let isLoaded = false;
    await rig.startScorer({ change: (score) => (isLoaded ? { ...score, loss: Number.NaN } : score) });
    const engine = await rig.openEngine({ maxDeliveries: 3, ackWaitMs: 20_000 });
    const model = await rig.load(engine);
    isLoaded = true;
    const [score] = await model.score(samples(1));
    expect(score?.loss).toBeNaN();
    expect(engine.stats).toMatchObject({ samples: 1, leftOut: 1, refused: 3 });
    expect(rig.warnings.some(({ message }) => message.includes('is skipped'))).toBe(true);
  });

  it('quarantines a scorer whose scores are wrong, and replaces what was checked', async () => {
    const liar = await rig.startScorer({ change: (score) => ({ ...score, loss: score.loss - 1 }) });
    const engine = await rig.openEngine({ verifyShare: 1 });
    const model = await rig.load(engine);
    const inputs = samples(1);
    expect(await model.score(inputs)).toEqual(await rig.truth(inputs));
    expect(rig.warnings.some(({ message }) => message.includes('quarantine'))).toBe(true);
    const next = model.score(samples(3));
    await expect(liar.ended).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await rig.startScorer();
    expect(await next).toEqual(await rig.truth(samples(3)));
  });

  it("quarantines a scorer that answers with another model's rows, and replaces them", async () => {
    const liar = await rig.startScorer({
      load: () => rig.load(f32Engine(), {}, 1),
    });
    const engine = await rig.openEngine({ verifyShare: 1 });
    const model = await rig.load(engine);
    expect(await model.score(samples(1))).toEqual(await rig.truth(samples(1)));
    expect(rig.warnings.some(({ message }) => message.includes('quarantine'))).toBe(true);
    const next = model.score(samples(3));
    await expect(liar.ended).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await rig.startScorer();
    expect(await next).toEqual(await rig.truth(samples(3)));
  });

  it('takes back what a scorer said since its last good check, once a check finds it wrong', async () => {
    let lies = 0;
    await rig.startScorer({ change: (score) => (lies > 0 ? { ...score, loss: score.loss - 1 } : score) });
    let checks = 0;
    const engine = await rig.openEngine({ verifyShare: 0.5, random: () => (checks > 0 ? 0 : 1) });
    const withdrawn: string[] = [];
    const hex = (checksum: Uint8Array): string => Buffer.from(checksum).toString('hex');
    const model = await rig.load(engine, { onWithdrawn: (checksums) => withdrawn.push(...checksums.map(hex)) });
    const [good, checked, doubtful, found] = [0, 1, 2, 3].map((i) => [new TextEncoder().encode(`part ${i}`)]);
    await model.score(good!);
    checks = 1;
    await model.score(checked!);
    checks = 0;
    lies = 1;
    const before = await model.score(doubtful!);
    expect(before).not.toEqual(await rig.truth(doubtful!));
    checks = 1;
    expect(await model.score(found!)).toEqual(await rig.truth(found!));
    expect(withdrawn).toEqual([hex(blake2b256(doubtful![0]!))]);
    expect(rig.warnings.at(-1)?.hint).toContain('1 scores');
  });

  it('takes back what was said of a model that was closed since', async () => {
    await rig.startScorer({ change: (score) => ({ ...score, loss: score.loss - 1 }) });
    let checks = 0;
    const engine = await rig.openEngine({ verifyShare: 0.5, random: () => (checks > 0 ? 0 : 1) });
    const withdrawn: string[] = [];
    const hex = (checksum: Uint8Array): string => Buffer.from(checksum).toString('hex');
    const model = await rig.load(engine, { onWithdrawn: (checksums) => withdrawn.push(...checksums.map(hex)) });
    const [doubtful] = samples(1);
    await model.score([doubtful!]);
    await model.close();
    const other = await rig.load(engine, {}, 1);
    checks = 1;
    await other.score(samples(1));
    expect(withdrawn).toEqual([hex(blake2b256(doubtful!))]);
  });

  it('counts an answer that comes twice once', async () => {
    const engine = await rig.openEngine({ ackWaitMs: 60_000 });
    const raw = await startRawScorer(rig.place, rig.published.models[0]!, rig.cache(), async (send, job) => {
      await send();
      expect(await send()).toBe('taken');
      job.ack();
    });
    const model = await rig.load(engine);
    expect(await model.score(samples(4))).toEqual(await rig.truth(samples(4)));
    expect(engine.stats).toMatchObject({ samples: 5, duplicates: 5, leftOut: 0 });
    await raw.close();
  });

  it('has a sample scored again whose answer is garbage, and takes the next one', async () => {
    const engine = await rig.openEngine();
    let garbage = 3;
    const raw = await startRawScorer(rig.place, rig.published.models[0]!, rig.cache(), async (send, job) => {
      const isGarbage = garbage-- > 0;
      const receipt = await send(isGarbage ? new Uint8Array(7) : undefined);
      expect(receipt).toBe(isGarbage ? 'refused' : 'taken');
      job.ack();
    });
    const model = await rig.load(engine);
    expect(await model.score(samples(4))).toEqual(await rig.truth(samples(4)));
    expect(engine.stats).toMatchObject({ samples: 5, refused: 3, leftOut: 0 });
    await raw.close();
  });

  it('takes an answer that comes too late once, whoever scored the sample meanwhile', async () => {
    const engine = await rig.openEngine();
    const late = new Map<string, () => Promise<void>>();
    const raw = await startRawScorer(rig.place, rig.published.models[0]!, rig.cache(), async (send, job) => {
      const id = job.message.headers?.get('quarry-job') ?? '';
      if (job.deliveries === 1) return void late.set(id, async () => void (await send()));
      await send();
      // The first answer comes only now.
      await late.get(id)!();
      job.ack();
    });
    const model = await rig.load(engine);
    expect(await model.score(samples(4))).toEqual(await rig.truth(samples(4)));
    await raw.close();
    expect(engine.stats).toMatchObject({ samples: 5, redelivered: 5, leftOut: 0 });
    // A slow machine hands out a third time.
    expect(engine.stats.duplicates).toBeGreaterThanOrEqual(5);
  });

  it('leaves a sample out whose scorers say for ever that they are at it, and says so', async () => {
    const engine = await rig.openEngine({ mostHeldMs: 200, maxDeliveries: 2, sweepMs: 200 });
    const held = new Set<Delivery>();
    const raw = await startRawScorer(rig.place, rig.published.models[0]!, rig.cache(), async (send, job) => {
      if (job.message.data.length > 1) return void held.add(job);
      await send();
      job.ack();
    });
    const progress = setInterval(() => {
      for (const job of held) job.working();
    }, 50);
    rig.closers.push(async () => clearInterval(progress));
    const model = await rig.load(engine);
    const [score] = await model.score([new Uint8Array(20).fill(7)]);
    await raw.close();
    expect(score?.loss).toBeNaN();
    expect(engine.stats).toMatchObject({ samples: 1, leftOut: 1 });
    expect([...held].map(({ deliveries }) => deliveries)).toEqual([1, 1]);
    expect(rig.warnings.map(({ message }) => message)).toEqual([
      'a sample of 20 bytes is skipped: no scorer could score it',
    ]);
  });

  it('takes no answer from a scorer whose id is none', async () => {
    const engine = await rig.openEngine();
    const names = ['', 'x'.repeat(100_000), '0badcafe ok', '0BADCAFE', '0badcafe'];
    const receipts: string[] = [];
    const raw = await startRawScorer(rig.place, rig.published.models[0]!, rig.cache(), async (send, job) => {
      for (const name of names) receipts.push(await send(undefined, name));
      job.ack();
    });
    await rig.load(engine);
    await raw.close();
    expect(receipts).toEqual(['refused', 'refused', 'refused', 'refused', 'taken']);
  });
});
