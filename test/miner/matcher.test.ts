import { EventEmitter } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import type { Candidate } from '../../src/miner/match/candidate.js';
import type { MatchModels } from '../../src/miner/match/loss-bounds.js';
import { Matcher } from '../../src/miner/match/matcher.js';
import type { MinerEvents } from '../../src/miner/run/events.js';
import { createFileScanner, type ModelKey, modelKeyId, type RowScanner, type Store } from '../../src/store/index.js';
import { RateMeter } from '../../src/telemetry/rate-meter.js';
import { A, B, model, opened, sampleBytes, temporaryDir } from '../store/fixtures.js';

const C = model('c');
const KEYS: Readonly<Record<string, ModelKey>> = { a: A, b: B, c: C };
const east = Float32Array.of(1, 0, 0, 0);
const north = Float32Array.of(0, 1, 0, 0);
const never = new AbortController().signal;

/** A store, targets and a matcher over them; models are names, their exact losses what `exact` says. */
class Bench {
  readonly book = new OpenTargets();
  readonly offered: Candidate[] = [];
  readonly warnings: string[] = [];
  readonly work: Promise<void>[] = [];
  /** Rows that scans looked at. */
  rowsScanned = 0;
  rescored = 0;
  scans = 0;
  onOffer = (): void => {};
  exact: (modelId: string, sampleId: number) => number = () => 1;
  readonly matcher: Matcher;

  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
    const emitter = new EventEmitter<MinerEvents>();
    emitter.on('warning', ({ error }) => this.warnings.push(`${error.code} ${error.message}`));
    const { book } = this;
    const submitter = { full: false, offer: (candidate: Candidate) => this.#offer(candidate) };
    const composer = { maxParts: 16, isDue: () => false, candidates: async function* () {} };
    const background = (work: Promise<void>): void => void this.work.push(work);
    const now = (): number => performance.now();
    const models = this.#models();
    const stats = { rowsScanned: new RateMeter(now) };
    const options = { policy: 'first', margin: 0 } as const;
    this.matcher = new Matcher(options, {
      store,
      models,
      book,
      composer,
      submitter,
      stats,
      emitter,
      now,
      background,
      far: undefined,
    });
  }

  #offer(candidate: Candidate): boolean {
    this.onOffer();
    return this.offered.push(candidate) > 0;
  }

  #models(): MatchModels {
    const of = (id: string): ReturnType<MatchModels['get']> => ({ id, key: KEYS[id]!, manifest: undefined as never });
    const score = async (modelId: string, data: readonly Uint8Array[]): ReturnType<Scoring['score']> => {
      this.rescored += data.length;
      return data.map((bytes) => {
        const sampleId = Number(/sample (\d+)/.exec(new TextDecoder().decode(bytes))?.[1]);
        const loss = this.exact(modelId, sampleId);
        return { loss, embedding: modelId === 'b' ? north : east, precision: 'f32' as const };
      });
    };
    return {
      active: [of('a')!, of('b')!, of('c')!],
      get: of,
      keysOf: (ids) => ids.map((id) => KEYS[id]!),
      loaded: ({ id }) =>
        ({
          isa: '',
          name: id,
          errorBound: { loss: 0.002, distance: 0 },
          score: (data: readonly Uint8Array[]) => score(id, data),
          close: async () => {},
        }) as unknown as Scoring,
    };
  }

  open(id: string, modelIds: readonly string[], rewardPoolShannons = 1n): void {
    const target = { id, status: 'open', embedding: east, modelIds, distanceThreshold: 0.5, rewardPoolShannons };
    this.book.add(target as never, 0);
  }

  async answer(id: string): Promise<void> {
    this.matcher.answer(id, never);
    while (this.work.length > 0) await this.work.shift();
  }
}
type Scoring = NonNullable<ReturnType<MatchModels['loaded']>>;

/** Counts the rows a scanner is asked to look at. */
function counting(inner: RowScanner, count: (rows: number) => void): RowScanner {
  return {
    ...inner,
    async scan(selection, targets, options) {
      const hits = await inner.scan(selection, targets, options);
      const from = options.from ?? 0;
      const last = options.mode === 'first' && hits.length === targets.targets ? hits.map((hit) => hit.row + 1) : [];
      count((last.length > 0 ? Math.max(...last) : selection.count) - from);
      return hits;
    },
  };
}

async function hops(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await undefined;
}

let bench: Bench;
let dir: string;
const ROWS = 3000;

async function fill(losses: Readonly<Record<string, (row: number) => number>>, precision: 'f32' | 'bf16') {
  for (const [id, loss] of Object.entries(losses)) {
    const rows = Array.from({ length: ROWS }, (_, n) => ({
      sampleId: n,
      loss: loss(n),
      embedding: id === 'b' ? north : east,
      precision,
    }));
    await bench.store.appendScores(KEYS[id]!, rows);
  }
}

beforeEach(async () => {
  dir = temporaryDir();
  const scanner = counting(createFileScanner(), (rows) => {
    bench.rowsScanned += rows;
    bench.scans++;
  });
  bench = new Bench(await opened({ dir }, { scanner }));
  await bench.store.appendSamples(Array.from({ length: ROWS }, (_, n) => ({ bytes: sampleBytes(n) })));
});

describe('matcher', () => {
  it('looks at each row at most twice when every row is a tie that nothing can settle, and says who copies', async () => {
    await fill({ a: () => 1, b: () => 1 + 1e-6 }, 'f32');
    bench.open('0x1', ['a', 'b']);
    await bench.answer('0x1');
    expect(bench.offered).toEqual([]);
    expect(bench.rowsScanned).toBeLessThanOrEqual(2 * ROWS);
    expect(bench.rescored).toBe(0);
    expect(bench.warnings).toEqual(['CONFLICT models a and b give the same losses: one copies the other']);
    await bench.answer('0x1');
    expect(bench.warnings).toHaveLength(1);
  });

  it('answers all targets of a checkpoint from one scan, those that pay most first', async () => {
    await fill({ a: () => 1, b: () => 2 }, 'f32');
    // As a checkpoint tells them: one after another, in one turn of the event loop.
    const rewards = Array.from({ length: 40 }, (_, n) => BigInt((n * 7) % 40));
    for (const reward of rewards) {
      await undefined;
      bench.open(`0x${reward}`, ['a', 'b'], reward);
      bench.matcher.answer(`0x${reward}`, never);
    }
    while (bench.work.length > 0) await bench.work.shift();
    expect(bench.scans).toBe(1);
    const richest = [...rewards].sort((a, b) => Number(b - a));
    expect(bench.offered.map(({ open }) => open.target.rewardPoolShannons)).toEqual(richest);
  });

  it('lets what was offered first be sent before it offers more', async () => {
    await fill({ a: () => 1, b: () => 2 }, 'f32');
    let underWay = 0;
    const waves: number[] = [];
    // As long a way as a submission's, all of it promises.
    bench.onOffer = () => {
      if (underWay++ === 0) waves.push(0);
      waves.push(waves.pop()! + 1);
      void hops(100).then(() => underWay--);
    };
    for (let n = 0; n < 40; n++) {
      bench.open(`0x${n}`, ['a', 'b']);
      bench.matcher.answer(`0x${n}`, never);
    }
    while (bench.work.length > 0) await bench.work.shift();
    expect(bench.offered).toHaveLength(40);
    // Those that pay most leave soonest.
    expect(waves).toEqual([4, 8, 16, 12]);
  });

  it('takes the lower of two models that agree to the last bit', async () => {
    await fill({ a: () => 1, c: () => 1 }, 'f32');
    bench.open('0x1', ['a', 'c']);
    await bench.answer('0x1');
    expect(bench.offered).toMatchObject([{ modelId: 'a', sampleId: 0 }]);
  });

  it('lets a model without a finite loss neither win nor tie', async () => {
    await fill({ a: () => 1, b: () => 2, c: () => Number.NaN }, 'f32');
    bench.open('0x1', ['a', 'b', 'c']);
    bench.open('0x2', ['c', 'a']);
    await bench.answer('0x1');
    await bench.answer('0x2');
    expect(bench.offered).toMatchObject([{ open: { target: { id: '0x1' } }, modelId: 'a', sampleId: 0 }]);
    expect(bench.warnings).toContain('NON_FINITE model c never has a finite loss');
    expect(bench.rowsScanned).toBeLessThanOrEqual(3 * ROWS);
  });

  it('finds out by one f32 round that a model is broken which low precision says is not finite', async () => {
    await fill({ a: () => 1, b: () => 2, c: () => Number.NaN }, 'bf16');
    bench.exact = (id) => (id === 'c' ? Number.NaN : id === 'a' ? 1 : 2);
    bench.open('0x1', ['a', 'b', 'c']);
    await bench.answer('0x1');
    expect(bench.offered).toMatchObject([{ modelId: 'a' }]);
    expect(bench.rescored).toBeLessThanOrEqual(3 * 16);
  });

  it('offers a decided hit without waiting for ties before it, and settles ties within a budget', async () => {
    await fill({ a: () => 1, b: (n) => (n === ROWS - 1 ? 2 : 1.001) }, 'bf16');
    bench.open('0x1', ['a', 'b']);
    await bench.answer('0x1');
    expect(bench.offered).toMatchObject([{ sampleId: ROWS - 1 }]);
    expect(bench.rescored).toBe(0);
    bench.exact = () => 1;
    await fill({ b: () => 1.001 }, 'bf16');
    bench.open('0x2', ['a', 'b']);
    await bench.answer('0x2');
    expect(bench.offered).toHaveLength(1);
    expect(bench.rescored).toBeGreaterThan(0);
    expect(bench.rescored).toBeLessThanOrEqual(2 * 16 * 8);
  });

  it('offers what f32 decides after a tie, with the winner f32 names', async () => {
    await fill({ a: () => 1, c: () => 1.001 }, 'bf16');
    bench.exact = (id) => (id === 'c' ? 0.9 : 1);
    bench.open('0x1', ['a', 'c']);
    await bench.answer('0x1');
    expect(bench.offered).toMatchObject([{ modelId: 'c', loss: Math.fround(0.9), sampleId: 0 }]);
  });

  it('scores a sample again whose row was damaged on disk, before anything is signed for it', async () => {
    await fill({ a: () => 1, b: () => 2 }, 'f32');
    const file = openSync(join(dir, 'scores', modelKeyId(A), 'f32.bin'), 'r+');
    writeSync(file, Uint8Array.of(1), 0, 1, 4);
    bench.exact = (id) => (id === 'a' ? 1 : 2);
    bench.open('0x1', ['a', 'b']);
    await bench.answer('0x1');
    expect(bench.rescored).toBe(1);
    expect(bench.offered).toHaveLength(1);
    expect([...bench.offered[0]!.embedding]).toEqual([...east]);
  });
});
