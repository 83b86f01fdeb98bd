import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Precision, Score } from '../../src/engine/index.js';
import type { QuarryError } from '../../src/errors/index.js';
import { ServedScores } from '../../src/fleet/index.js';
import { blake2b256 } from '../../src/native/blake2b.js';

const WIDTH = 16;
const MIB = 2 ** 20;
const model = { architecture: 'v1', checksum: 'ab'.repeat(32) };
const other = { architecture: 'v1', checksum: 'cd'.repeat(32) };
const BOUND = { loss: 0.01, distance: 0.001 };

let dir: string;
let now = 0;
let kept: ServedScores;
const warnings: QuarryError[] = [];

const open = (mostBytes = 64 * MIB): Promise<ServedScores> =>
  ServedScores.open({ dir, mostBytes, onWarning: (error) => warnings.push(error), now: () => now });
const reopen = async (mostBytes?: number): Promise<void> => {
  await kept.close();
  kept = await open(mostBytes);
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-served-'));
  warnings.length = 0;
  kept = await open();
});
afterEach(async () => {
  await kept.close();
  await rm(dir, { recursive: true, force: true });
});

function scored(text: string, precision: Precision = 'bf16', bound = BOUND, sizeBytes = text.length) {
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(new TextEncoder().encode(text));
  const embedding = Float32Array.from({ length: WIDTH }, (_, i) => text.length + i);
  const score: Score = { loss: Math.fround(1 + text.length / 100), embedding, precision };
  return { bytes, checksum: blake2b256(bytes), score, bound };
}

const find = ({ bytes, checksum }: ReturnType<typeof scored>, precision?: 'f32', under = model) =>
  kept.find(WIDTH, { model: under, checksum, sizeBytes: bytes.length, precision });

describe('scores that the service keeps', () => {
  it('are there after a restart as they were, with how far they may err', async () => {
    const [a, b] = [scored('a'), scored('another')];
    await kept.keep(WIDTH, model, [a, b]);
    await reopen();
    for (const each of [a, b]) expect(find(each)).toEqual({ score: each.score, bound: BOUND });
    expect(find(scored('a third'))).toBeUndefined();
  });

  it('answer for their own weights, size and width alone', async () => {
    const a = scored('a');
    await kept.keep(WIDTH, model, [a]);
    expect(find(a, undefined, other)).toBeUndefined();
    const { checksum } = a;
    expect(kept.find(WIDTH, { model, checksum, sizeBytes: 2, precision: undefined })).toBeUndefined();
    expect(kept.find(2 * WIDTH, { model, checksum, sizeBytes: 1, precision: undefined })).toBeUndefined();
  });

  it('answer for f32 only where they are f32, and such a score is never replaced by a lesser one', async () => {
    const [low, exact] = [scored('a'), scored('a', 'f32')];
    await kept.keep(WIDTH, model, [low]);
    expect(find(low, 'f32')).toBeUndefined();
    await kept.keep(WIDTH, model, [exact]);
    await kept.keep(WIDTH, model, [low]);
    await reopen();
    for (const precision of [undefined, 'f32'] as const) {
      expect(find(exact, precision)).toEqual({ score: exact.score, bound: { loss: 0, distance: 0 } });
    }
  });

  it('may err as far as the worst engine that made some of them, and furthest where that is not known', async () => {
    const worse = { loss: 0.02, distance: 0.0001 };
    const [a, b] = [scored('a'), scored('bb', 'bf16', worse)];
    await kept.keep(WIDTH, model, [a]);
    await kept.keep(WIDTH, model, [b]);
    await reopen();
    expect(find(a)?.bound).toEqual({ loss: 0.02, distance: 0.001 });
    await kept.close();
    const [part] = (await readdir(dir)).filter((name) => /^\d+-\d+$/.test(name));
    for (const damaged of ['{', '{"x": null}', `{"v1-${model.checksum}": {"loss": -1, "distance": 0}}`]) {
      await writeFile(join(dir, part!, 'bounds.json'), damaged);
      kept = await open();
      expect(find(a)?.bound).toEqual({ loss: 0.1, distance: 0.01 });
      await kept.close();
    }
  });

  it('take no more room than they may: the oldest go first', async () => {
    await reopen(4 * MIB);
    const all = Array.from({ length: 24 }, (_, i) => scored(`${i}`.padStart(3, '0'), 'bf16', BOUND, MIB / 2));
    for (const each of all) await kept.keep(WIDTH, model, [each]);
    const there = all.map((each) => find(each) !== undefined);
    // Half a MiB each: seven or eight fit beside their rows, and parts of a quarter go at once.
    const count = there.filter(Boolean).length;
    expect(count).toBeGreaterThanOrEqual(4);
    expect(count).toBeLessThanOrEqual(8);
    expect(there.lastIndexOf(false)).toBeLessThan(there.indexOf(true));
    expect((await readdir(dir)).filter((name) => /^\d+-\d+$/.test(name)).length).toBeLessThanOrEqual(4);
    await reopen(2 * MIB);
    expect(find(all.at(-1)!)).toBeDefined();
    expect(all.filter((each) => find(each) !== undefined).length).toBeLessThanOrEqual(4);
  });

  it('begin a new part where one has many models: each keeps files open', async () => {
    const a = scored('a');
    for (let i = 0; i < 70; i++) {
      const checksum = i.toString(16).padStart(2, '0').repeat(32);
      await kept.keep(WIDTH, { architecture: 'v1', checksum }, [a]);
    }
    expect((await readdir(dir)).filter((name) => /^\d+-\d+$/.test(name))).toHaveLength(2);
  });

  it('are not given out while they are being withdrawn', async () => {
    const lie = scored('a lie');
    await kept.keep(WIDTH, model, [lie]);
    expect(find(lie)).toBeDefined();
    const withdrawn = kept.withdraw(model, [lie.checksum]);
    expect(find(lie)).toBeUndefined();
    await withdrawn;
    await kept.keep(WIDTH, model, [lie]);
    expect(find(lie)).toBeDefined();
  });

  it('are not given out while a second withdrawal of them waits behind the first', async () => {
    const lie = scored('lie');
    await kept.keep(WIDTH, model, [lie]);
    const first = kept.withdraw(model, [lie.checksum]);
    const stored = kept.keep(WIDTH, model, [lie]);
    const second = kept.withdraw(model, [lie.checksum]);
    await first;
    await stored;
    expect(find(lie)).toBeUndefined();
    await second;
    await kept.keep(WIDTH, model, [lie]);
    expect(find(lie)).toEqual({ score: lie.score, bound: BOUND });
  });

  it('are gone for good once they are withdrawn', async () => {
    const [lie, truth] = [scored('a lie'), scored('a truth')];
    await kept.keep(WIDTH, model, [lie, truth]);
    await kept.keep(WIDTH, other, [lie]);
    await kept.withdraw(model, [lie.checksum, scored('unknown').checksum]);
    for (const restart of [async () => {}, reopen]) {
      await restart();
      expect(find(lie)).toBeUndefined();
      expect(find(truth)).toBeDefined();
      expect(find(lie, undefined, other)).toBeDefined();
    }
  });

  it('belong to one process', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  });

  it('are not kept while the disk refuses, which is said once, and are kept again when it does not', async () => {
    const a = scored('a');
    const obstacle = join(dir, `1-${WIDTH}`);
    await writeFile(obstacle, '');
    await kept.keep(WIDTH, model, [a]);
    now += 60_000;
    await kept.keep(WIDTH, model, [a]);
    expect(warnings).toHaveLength(1);
    expect(find(a)).toBeUndefined();
    await rm(obstacle);
    // It is left alone for a while.
    await kept.keep(WIDTH, model, [a]);
    expect(existsSync(obstacle)).toBe(false);
    now += 60_000;
    await kept.keep(WIDTH, model, [a]);
    expect(find(a)).toBeDefined();
  });
});
