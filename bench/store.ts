import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { normalArray } from '../src/engine/reference/index.js';
import {
  createBestScanner,
  createFileScanner,
  openStore,
  type RowScanner,
  type Store,
  storeInfo,
} from '../src/store/index.js';
import { breathe } from './breathe.js';
import { median, quantile } from './quantile.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Width of the small model's embeddings: a million rows of it fit on any disk. */
const DIM = 16;
/** About one row in four thousand is this near to a target at this width. */
const THRESHOLD = 0.25;
const MODELS = ['a', 'b', 'c'].map((digit) => ({ architecture: 'v1', checksum: digit.repeat(64) }));
const BATCH = 1000;

/** Options of the store bench. */
export interface StoreBenchOptions extends BenchOptions {
  /** Samples, each scored under three models. Default 1,000,000; `quick` takes 20,000. */
  readonly rows?: number | undefined;
}

/**
 * The embedding store at 16-wide rows under three models: append rates, time to open, memory, and the time from a
 * target to its hits. Times are in milliseconds.
 */
export async function* run(options: StoreBenchOptions = {}): AsyncIterable<BenchResult> {
  const total = options.rows ?? (options.quick ? 20_000 : 1_000_000);
  const dir = await mkdtemp(join(tmpdir(), 'quarry-store-'));
  const shared = { bench: 'store', engine: 'store' };
  try {
    // Flushing every batch would measure the disk; the miner appends one every few seconds.
    const store = await openStore({ dir, embeddingDim: DIM, durability: 'process' });
    const spent = await fill(store, total, options.signal);
    yield benchResult({
      ...shared,
      case: 'append samples of 64 bytes',
      value: total / spent.samples,
      unit: 'samples/s',
    });
    yield benchResult({
      ...shared,
      case: `append scores, width ${DIM}`,
      value: (total * 3) / spent.scores,
      unit: 'rows/s',
    });
    await store.close();

    const before = process.memoryUsage().rss;
    let begin = performance.now();
    const opened = await openStore({ dir, embeddingDim: DIM, durability: 'process' });
    yield benchResult({
      ...shared,
      case: `open, ${total} samples, 3 models`,
      value: performance.now() - begin,
      unit: 'ms',
    });
    begin = performance.now();
    opened.prepare(MODELS);
    yield benchResult({ ...shared, case: 'first winner list', value: performance.now() - begin, unit: 'ms' });
    const { memoryBytes } = storeInfo(opened);
    const note = `resident memory grew by ${Math.round((process.memoryUsage().rss - before) / 2 ** 20)} MiB`;
    yield benchResult({ ...shared, case: 'columns in memory', value: memoryBytes, unit: 'B', note });
    await opened.close();

    for (const scanner of [createBestScanner(), createFileScanner()]) {
      yield* latency(dir, scanner, total, options);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Appends `total` samples with three scores each; returns the seconds spent in the two kinds of appends. */
async function fill(store: Store, total: number, signal?: AbortSignal): Promise<{ samples: number; scores: number }> {
  let samples = 0;
  let scores = 0;
  for (let first = 0; first < total; first += BATCH) {
    await breathe(signal);
    const inputs = Array.from({ length: BATCH }, (_, k) => ({
      bytes: Buffer.alloc(64, `sample ${first + k} `),
      origin: `bench#${first + k}`,
    }));
    let begin = performance.now();
    await store.appendSamples(inputs);
    samples += performance.now() - begin;
    for (const [m, model] of MODELS.entries()) {
      const values = normalArray(BigInt(first * 3 + m), BATCH * DIM);
      const rows = Array.from({ length: BATCH }, (_, k) => ({
        sampleId: first + k,
        loss: 3 + (((first + k) * (m * 7 + 13)) % 101) / 100,
        embedding: values.subarray(k * DIM, (k + 1) * DIM),
        precision: 'bf16' as const,
      }));
      begin = performance.now();
      await store.appendScores(model, rows);
      scores += performance.now() - begin;
    }
  }
  return { samples: samples / 1000, scores: scores / 1000 };
}

async function* latency(
  dir: string,
  scanner: RowScanner,
  total: number,
  options: BenchOptions,
): AsyncIterable<BenchResult> {
  const store = await openStore({ dir, embeddingDim: DIM, readonly: true }, { scanner });
  store.prepare(MODELS);
  const count = scanner.name === 'files' ? 20 : 300;
  for (const pick of ['first', 'closest'] as const) {
    const times: number[] = [];
    let hits = 0;
    for (let n = 0; n < count; n++) {
      await breathe(options.signal);
      const embedding = normalArray(BigInt(1_000_000 + n), DIM);
      const begin = performance.now();
      const found = await store.match([{ id: 't', models: MODELS, embedding, threshold: THRESHOLD }], { pick });
      times.push(performance.now() - begin);
      hits += found.length;
    }
    yield benchResult({
      bench: 'store',
      case: `match a new target, ${pick}, ${total} rows`,
      engine: scanner.name,
      value: median(times),
      unit: 'ms',
      note: `p99 ${quantile(times, 0.99)!.toFixed(2)} ms, ${hits} hits of ${count} targets`,
    });
  }
  await store.close();
}
