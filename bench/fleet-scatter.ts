import { setMaxListeners } from 'node:events';
import { seededRandom } from '../src/devnet/soma/seeded-random.js';
import { FleetRows, KeptRows, ModelShelf, openFleet, type PublishedModel, RowKeeper } from '../src/fleet/index.js';
import { keyOf } from '../src/fleet/rows/kept-rows.js';
import { sleep } from '../src/net/index.js';
import { type MatchTarget, openStore, type Store } from '../src/store/index.js';
import type { FleetModel } from './fleet-model.js';
import { makeShards, rowOf } from './fleet-shards.js';
import type { NatsServer } from './nats-server.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

const SHARDS = 16;
const ROWS_PER_SHARD = 1_000_000;
const QUICK_ROWS_PER_SHARD = 1_000;
const TARGETS = 16;
const ROUNDS = 5;
/** Narrow enough that, of rows of 16 random values, only the one that a target was made of hits it. */
const THRESHOLD = 1e-4;

/** A scorer that keeps rows which are there already, on a connection of its own. */
async function startKeeper(
  server: NatsServer,
  dir: string,
  scorer: string,
  model: PublishedModel,
  signal: AbortSignal,
) {
  const fleet = await openFleet({ url: server.url, fleet: 'scatter', name: scorer });
  const onWarning = (): void => {};
  const engineFor = async (): Promise<never> => Promise.reject(new RangeError('nothing is scored here'));
  const models = new ModelShelf({ most: 1 }, { weights: { open: engineFor } as never, engineFor });
  const rows = new KeptRows(dir, { models, known: () => [model], onWarning });
  const keeper = new RowKeeper({ scorer, mostSamples: 1, batchMs: 1, onWarning }, { fleet, rows });
  const running = keeper.run(signal);
  return async (): Promise<void> => {
    await running;
    await fleet.close();
  };
}

/**
 * Targets searched for in the rows of 16 scorers over a real server, beside one store of the same rows: the same hits, and
 * what scattering and gathering takes.
 *
 * @param rowsPerShard default: a million, a thousand with `quick`
 */
export async function* scatterCases(
  server: NatsServer,
  published: FleetModel,
  { dir, quick, signal }: BenchOptions & { readonly dir: string },
  rowsPerShard: number = quick ? QUICK_ROWS_PER_SHARD : ROWS_PER_SHARD,
): AsyncIterable<BenchResult> {
  const { embeddingDim } = published.config;
  const places = yield* makeShards(dir, published, { shards: SHARDS, count: SHARDS * rowsPerShard, signal });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const closers: (() => Promise<void>)[] = [];
  const whole = await openStore({ dir: places.whole, embeddingDim, durability: 'process' });
  try {
    for (const [shard, place] of places.parts.entries()) {
      closers.push(await startKeeper(server, place, shard.toString(16).padStart(8, '0'), published, stop.signal));
    }
    const fleet = await openFleet({ url: server.url, fleet: 'scatter', name: 'coordinator' });
    const rows = new FleetRows(
      { gatherMs: 600_000, onWarning: () => {} },
      { fleet, isQuarantined: () => false, check: async () => true },
    );
    closers.push(async () => {
      rows.close();
      await fleet.close();
    });
    while (rows.rows < SHARDS * rowsPerShard) await sleep(100);
    yield* compare(whole, rows, published, SHARDS * rowsPerShard);
  } finally {
    stop.abort();
    for (const close of closers) await close();
    await whole.close();
  }
}

async function* compare(
  whole: Store,
  rows: FleetRows,
  model: PublishedModel,
  count: number,
): AsyncIterable<BenchResult> {
  const random = seededRandom(5);
  const targets = Array.from({ length: TARGETS }, (_, t): MatchTarget => {
    const embedding = rowOf(Math.floor(random() * count), model.config.embeddingDim);
    return { id: `target ${t}`, models: [keyOf(model)], embedding, threshold: THRESHOLD };
  });
  const inOne = async (): Promise<string[]> => {
    const hits = await whole.match(targets, { pick: 'closest' });
    return hits.map(({ targetId, sampleId }) => `${targetId} ${hex(whole.checksum(sampleId))}`);
  };
  const scattered = async (): Promise<string[]> => {
    const found: string[] = [];
    const policy = { pick: 'closest', exclude: () => [], freshOnly: false, maxParts: 0, fewest: false } as const;
    await rows.find(targets, policy, async ({ targetId, checksum }) => found.push(`${targetId} ${hex(checksum)}`) > 0);
    return found;
  };
  const times: { one: number; all: number }[] = [];
  let differing = 0;
  for (let round = -1; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const one = await inOne();
    const between = performance.now();
    const all = new Set(await scattered());
    // The first builds the lists of winners on both sides.
    if (round >= 0) times.push({ one: between - startedAt, all: performance.now() - between });
    differing += one.filter((hit) => !all.has(hit)).length + Math.abs(one.length - all.size);
  }
  times.sort((a, b) => a.one / a.all - b.one / b.all);
  const { one, all } = times[Math.floor(times.length / 2)] ?? { one: Number.NaN, all: Number.NaN };
  yield benchResult({
    bench: 'fleet',
    case: `${TARGETS} targets, ${SHARDS} scorers with ${count / SHARDS} rows each, width ${model.config.embeddingDim}`,
    engine: 'nats',
    value: all,
    unit: 'ms',
    limit: one,
    ratio: one / all,
    error: differing,
    note: 'the limit is one store of the same rows on the same cores; the error counts hits that differ',
  });
}

function hex(checksum: Uint8Array | undefined): string {
  return Buffer.from(checksum ?? []).toString('hex');
}
