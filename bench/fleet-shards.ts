import { join } from 'node:path';
import { seededRandom } from '../src/devnet/soma/seeded-random.js';
import type { PublishedModel } from '../src/fleet/index.js';
import { keyOf } from '../src/fleet/rows/kept-rows.js';
import { openStore, type Store, storeInfo } from '../src/store/index.js';
import { breathe } from './breathe.js';
import { type BenchResult, benchResult } from './result.js';

/** Rows appended at once: a large batch writes each page of the index once. */
const BATCH = 100_000;

/** Rows of random values, the same for the same number: shards and the whole need not be held in memory. */
export function rowOf(id: number, dim: number): Float32Array {
  const row = new Float32Array(dim);
  const random = seededRandom(id + 1);
  for (let i = 0; i < dim; i++) row[i] = random() - 0.5;
  return row;
}

/** Appends rows `from` to `from + count` to each store; checksums are numbers, as nothing here asks for bytes. */
async function fill(
  stores: readonly Store[],
  model: PublishedModel,
  { from, count, signal }: { readonly from: number; readonly count: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (let at = from; at < from + count; at += BATCH) {
    await breathe(signal);
    const ids = Array.from({ length: Math.min(BATCH, from + count - at) }, (_, i) => at + i);
    const rows = ids.map((id) => rowOf(id, model.config.embeddingDim));
    const inputs = ids.map((id) => {
      const checksum = new Uint8Array(32);
      new DataView(checksum.buffer).setUint32(28, id);
      return { bytes: Uint8Array.of(1), checksum };
    });
    for (const store of stores) {
      const samples = await store.appendSamples(inputs);
      const scores = samples.map(({ id: sampleId }, i) => ({
        sampleId,
        loss: 1,
        embedding: rows[i] ?? new Float32Array(),
        precision: 'f32' as const,
      }));
      await store.appendScores(keyOf(model), scores);
    }
  }
}

/** Where {@link makeShards} put the rows. */
export interface Shards {
  readonly whole: string;
  readonly parts: readonly string[];
}

/** Writes `count` rows into one store, and the same into `shards` stores of equal size; says how fast. */
export async function* makeShards(
  dir: string,
  model: PublishedModel,
  {
    shards,
    count,
    signal,
  }: { readonly shards: number; readonly count: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<BenchResult, Shards> {
  const { embeddingDim } = model.config;
  const open = (at: string): Promise<Store> => openStore({ dir: at, embeddingDim, durability: 'process' });
  const places: Shards = {
    whole: join(dir, 'whole'),
    parts: Array.from({ length: shards }, (_, shard) => join(dir, `shard-${shard}`)),
  };
  const startedAt = performance.now();
  const whole = await open(places.whole);
  try {
    for (const [shard, place] of places.parts.entries()) {
      const part = await open(place);
      await fill([whole, part], model, { from: (shard * count) / shards, count: count / shards, signal }).finally(() =>
        part.close(),
      );
    }
  } finally {
    await whole.close();
  }
  yield benchResult({
    bench: 'fleet',
    case: `rows appended, ${count} to one store and as many to ${shards}`,
    engine: 'store',
    value: (2000 * count) / (performance.now() - startedAt),
    unit: 'rows/s',
    note: `with their samples, ${BATCH} at once`,
  });
  for (const at of [places.parts[0] ?? places.whole, places.whole]) yield* opening(at, model);
  return places;
}

/** How long a store takes to open, its list of winners included, and what it holds in memory then. */
async function* opening(dir: string, model: PublishedModel): AsyncGenerator<BenchResult> {
  const { embeddingDim } = model.config;
  const before = process.memoryUsage().rss;
  const startedAt = performance.now();
  const store = await openStore({ dir, embeddingDim, durability: 'process' });
  try {
    const rows = store.prepare([keyOf(model)]);
    const seconds = (performance.now() - startedAt) / 1000;
    const { memoryBytes, bytesOnDisk } = storeInfo(store);
    const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
    const grown = mib(Math.max(0, process.memoryUsage().rss - before));
    yield benchResult({
      bench: 'fleet',
      case: `open a store of ${rows} rows, width ${embeddingDim}`,
      engine: 'store',
      value: seconds,
      unit: 's',
      note: `${mib(memoryBytes)} in memory, ${mib(bytesOnDisk)} on disk; the process grew by ${grown}`,
    });
  } finally {
    await store.close();
  }
}
