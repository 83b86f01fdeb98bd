import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../src/engine/contract.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { prunePacked } from '../../src/engine/native/prune-packed.js';
import { PooledEngine } from '../../src/engine/pool/pooled-engine.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { until } from '../until.js';

const config = MODEL_CONFIGS.small;
const samples = Array.from({ length: 12 }, (_, n) => new Uint8Array(100).fill(n));
let dir: string;
let engine: PooledEngine;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-pool-'));
  const cacheDir = join(dir, 'packed');
  engine = new PooledEngine({ engine: { engine: 'native', threads: 1, cacheDir }, workers: 2, samplesPerTask: 1 });
});
afterEach(async () => {
  await engine.close();
  await rm(dir, { recursive: true });
});

async function load(seed: bigint): Promise<LoadedModel> {
  const path = join(dir, `${seed}.safetensors`);
  await writeFile(path, generateWeightsBytes(config, seed));
  const weights = await openSafetensors(path, { checksum: String(seed).padStart(64, '0') });
  try {
    return await engine.load(weights, config);
  } finally {
    await weights.close();
  }
}

/** How many of the first `models` generated weights this process has mapped, in any of its threads. */
function mapped(models: number): number {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  return Array.from({ length: models }, (_, n) => String(n + 1).padStart(64, '0')).filter((name) =>
    maps.includes(join('packed', name)),
  ).length;
}

/** Processor time, in ticks, of the living threads of this process that run at the usual priority. */
function ticksAtUsualPriority(): number {
  let ticks = 0;
  for (const thread of readdirSync('/proc/self/task')) {
    const fields = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]!.split(' ');
    // User time, system time and niceness: fields 14, 15 and 19 of proc(5), counted from the third.
    if (fields[16] === '0') ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks;
}

describe('a pool of scoring workers', () => {
  it('keeps every open model, and releases one when its last user closes it', async (context) => {
    if (process.platform !== 'linux') context.skip('what is mapped is only told by /proc');
    const models = [];
    for (let seed = 1n; seed <= 10n; seed++) models.push(await load(seed));
    for (const model of models) await model.score(samples);
    // More than any fixed number of them: nothing open is evicted.
    expect(mapped(10)).toBe(10);
    const again = await load(1n);
    await models[0]!.close();
    expect(mapped(10)).toBe(10);
    await again.close();
    await again.close();
    expect(mapped(10)).toBe(9);
    await Promise.all(models.slice(1).map((model) => model.close()));
    expect(mapped(10)).toBe(0);
    await expect(again.score(samples)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  it('hands on gradients, where the engine inside has a backward pass', async () => {
    const model = await load(1n);
    const weights = await openSafetensors(join(dir, '1.safetensors'));
    const direct = await createNativeScoringEngine({ threads: 1 }).load(weights, config);
    const direction = new Float32Array(16).fill(1);
    expect(await model.byteGradient!(samples[3]!, direction)).toEqual(
      await direct.byteGradient(samples[3]!, direction),
    );
    const mixture = new Float32Array(config.sequenceLength * 256).fill(1 / 256);
    const goal = { target: direction, lossWeight: 0.1 };
    expect(await model.mixtureGradient!(mixture, goal)).toEqual(await direct.mixtureGradient(mixture, goal));
    await expect(model.mixtureGradient!(mixture.subarray(1), goal)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(model.byteGradient!(new Uint8Array(0), direction)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    await direct.close();
    await weights.close();
  });

  it('finishes what is being scored before it releases a model', async () => {
    const model = await load(1n);
    const expected = await model.score(samples);
    const scoring = model.score(samples);
    const closing = model.close();
    expect((await scoring).map((score) => score.loss)).toEqual(expected.map((score) => score.loss));
    await closing;
    const reopened = await load(1n);
    expect((await reopened.score(samples)).map((score) => score.loss)).toEqual(expected.map((score) => score.loss));
  });

  it('scores at a lower priority than everything else in the process', async (context) => {
    if (process.platform !== 'linux' || getPriority() !== 0) context.skip('priorities belong to threads on Linux only');
    const model = await load(1n);
    await model.score(samples);
    const [cpuBefore, usualBefore] = [process.cpuUsage(), ticksAtUsualPriority()];
    await model.score(Array.from({ length: 16 }, (_, n) => new Uint8Array(24 * 1024).fill(n)));
    const { user, system } = process.cpuUsage(cpuBefore);
    const TICK_MICROSECONDS = 10_000;
    const usual = (ticksAtUsualPriority() - usualBefore) * TICK_MICROSECONDS;
    expect(user + system).toBeGreaterThan(20 * TICK_MICROSECONDS);
    expect(usual / (user + system)).toBeLessThan(0.5);
  });

  it('abandons what is being scored when it closes', async () => {
    const model = await load(1n);
    const scoring = model.score(Array.from({ length: 64 }, () => new Uint8Array(1 << 20))).catch((error) => error);
    const before = process.cpuUsage();
    await until(() => process.cpuUsage(before).user > 100_000, 'the processor to be at it');
    await engine.close();
    // Scoring it to its end takes minutes, and gives no error.
    expect(await scoring).toBeInstanceOf(Error);
  });

  it('closes with models open, at once', async () => {
    const model = await load(1n);
    const begin = performance.now();
    const closing = model.close().then(() => performance.now() - begin);
    await engine.close();
    // Not when the time limit of a model's close has run out.
    expect(await closing).toBeLessThan(3_000);
  });
});

describe('packed weights on disk', () => {
  it('are deleted with the weights, and nothing else is', async () => {
    await load(1n);
    const gone = await load(2n);
    await writeFile(join(dir, 'packed', 'notes.txt'), 'mine');
    const removed = await prunePacked(join(dir, 'packed'), new Set(['1'.padStart(64, '0')]));
    expect(removed.length).toBeGreaterThan(0);
    expect(removed.every((name) => name.startsWith('2'.padStart(64, '0')))).toBe(true);
    expect(await prunePacked(join(dir, 'packed'), new Set(['1'.padStart(64, '0')]))).toEqual([]);
    expect(await prunePacked(join(dir, 'missing'), new Set())).toEqual([]);
    // What is mapped goes on working.
    expect(await gone.score(samples)).toHaveLength(12);
  });
});
