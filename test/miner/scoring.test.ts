import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ScoringEngine } from '../../src/engine/index.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import { SampleIngest } from '../../src/miner/feed/sample-ingest.js';
import type { MinerEvents } from '../../src/miner/run/events.js';
import { TaskGroup } from '../../src/miner/run/task-group.js';
import { ModelCatalogue } from '../../src/miner/score/model-catalogue.js';
import { ModelLoader } from '../../src/miner/score/model-loader.js';
import { Scorer } from '../../src/miner/score/scorer.js';
import { HttpClient } from '../../src/net/index.js';
import { blake2b256, cryptWeights, manifestOf } from '../../src/soma/chain/index.js';
import type { Model } from '../../src/soma/client/decode/model.js';
import { openStore, type Store } from '../../src/store/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';

const never = new AbortController().signal;
const config = MODEL_CONFIGS.small;
const engine = createNativeScoringEngine();
/** Keeps samples from being scored until it resolves. */
let hold: (samples: readonly string[], signal: AbortSignal | undefined) => Promise<void>;
const holding: ScoringEngine = {
  name: engine.name,
  device: engine.device,
  precision: engine.precision,
  close: () => engine.close(),
  load: async (weights, shape) => {
    const model = await engine.load(weights, shape);
    return {
      config: shape,
      errorBound: model.errorBound,
      close: () => model.close(),
      score: async (samples, options = {}) => {
        await hold(
          samples.map((sample) => Buffer.from(sample).toString()),
          options.signal,
        );
        return model.score(samples, options);
      },
    };
  },
};
let dir: string;
let host: HttpHost;
let http: HttpClient;
let store: Store;
let now: number;
let told: string[];
let models: ModelCatalogue;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-scoring-'));
  host = await HttpHost.listen({ dir: join(dir, 'models'), port: 0 });
  http = new HttpClient({ retry: { attempts: 1 } });
  store = await openStore({ dir: join(dir, 'store'), embeddingDim: config.embeddingDim, durability: 'process' });
  now = 0;
  told = [];
  hold = async () => {};
  const emitter = new EventEmitter<MinerEvents>();
  emitter.on('model', ({ modelId, state, error }) => told.push([modelId, state, error?.code].join(' ').trim()));
  const weights = new WeightsCache({ dir: join(dir, 'weights') }, { http });
  models = new ModelCatalogue({ config }, { engine: holding, weights, emitter, now: () => now });
});
afterEach(async () => {
  await models.close();
  await store.close();
  await http.close();
  await host.close();
  await rm(dir, { recursive: true });
});

/** An active model as the chain has it, its weights published. */
async function published(id: string, seed: bigint, change: Partial<Model> = {}): Promise<Model> {
  const decryptionKey = new Uint8Array(32).fill(Number(seed));
  const encrypted = cryptWeights(generateWeightsBytes(config, seed), decryptionKey);
  const url = await host.publish(Buffer.from(blake2b256(encrypted)).toString('hex'), encrypted);
  return { id, state: 'active', manifest: manifestOf(url, encrypted), decryptionKey, ...change } as Model;
}

async function loaded(...of: readonly Model[]): Promise<void> {
  await models.update(of);
  for (const model of models.active) await models.load(model, never);
}

const target = (id: string, modelIds: readonly string[]) => ({ id, modelIds, status: 'open' }) as never;

describe('the catalogue of models', () => {
  it('takes up what is active and complete, and loads it once for both that publish the same weights', async () => {
    const a = await published('a', 1n);
    await loaded(
      a,
      { ...a, id: 'twin' },
      { ...a, id: 'old', state: 'inactive' },
      { ...a, id: 'bare', manifest: undefined },
    );
    expect(models.active.map(({ id }) => id)).toEqual(['a', 'twin']);
    expect(told).toEqual(['a fetching', 'a ready']);
    expect(models.loaded(models.get('twin')!)).toBe(models.loaded(models.get('a')!));
    expect(models.keysOf(['a', 'twin'])).toHaveLength(2);
    expect(models.keysOf(['a', 'old'])).toBeUndefined();
  });

  it('leaves a model that cannot be fetched alone for a while, and tries it again', async () => {
    const a = await published('a', 1n);
    const url = a.manifest!.url;
    await host.remove(new URL(url).pathname.split('/').at(-1)!);
    await models.update([a]);
    const [model] = models.active;
    expect(models.isDue(model!)).toBe(true);
    expect(await models.load(model!, never)).toBeUndefined();
    expect(told).toEqual(['a fetching', expect.stringMatching(/^a failed /)]);
    expect(models.isDue(model!)).toBe(false);
    await published('a', 1n);
    now += 7 * 3_600_000;
    expect(models.isDue(model!)).toBe(true);
    expect(await models.load(model!, never)).toBeDefined();
    expect(models.isDue(model!)).toBe(false);
  });

  it('fetches nothing that claims more bytes than the architecture has', async () => {
    const a = await published('a', 1n);
    await loaded({ ...a, manifest: { ...a.manifest!, size: 2n ** 40n } });
    expect(told).toEqual(['a fetching', 'a failed WEIGHTS_INVALID']);
  });

  it('releases weights that are gone', async () => {
    await loaded(await published('a', 1n), await published('b', 2n));
    const gone = models.get('a')!;
    await models.update([await published('b', 2n)]);
    expect(models.loaded(gone)).toBeUndefined();
    expect(models.loaded(models.get('b')!)).toBeDefined();
  });
});

describe('the scorer', () => {
  const texts = (count: number) => Array.from({ length: count }, (_, n) => `a sample with the number ${n}`);
  async function* samples(count: number) {
    for (const [unit, text] of texts(count).entries()) {
      yield { bytes: new TextEncoder().encode(text), origin: 'test', unit };
    }
  }
  function scorer(book: OpenTargets, count: number): Scorer {
    const ingest = new SampleIngest(samples(count), store);
    return new Scorer({ batchSize: 4 }, { store, ingest, models, book, now: () => now });
  }

  it('asks for the next round at once only where it read nothing but known bytes', async () => {
    async function* repeated() {
      for (;;) yield { bytes: Uint8Array.of(7), origin: 'again', unit: 0 };
    }
    await loaded(await published('a', 1n));
    const ingest = new SampleIngest(repeated(), store);
    const scoring = new Scorer(
      { batchSize: 4, parallel: 4 },
      { store, ingest, models, book: new OpenTargets(), now: () => now },
    );
    expect(await scoring.round(never)).toMatchObject({ ids: [0], onlyKnown: false });
    expect(await scoring.round(never)).toMatchObject({ ids: [], onlyKnown: true });
    // A round without models reads nothing: asked for again at once, it would leave no turn to what brings models.
    await models.update([]);
    expect(await scoring.round(never)).toMatchObject({ ids: [], onlyKnown: false });
  });

  it('scores rounds of fresh samples under every model that is loaded, until there are no more', async () => {
    await loaded(await published('a', 1n), await published('b', 2n));
    const scoring = scorer(new OpenTargets(), 6);
    const rounds = [];
    for (let n = 0; n < 3; n++) rounds.push(await scoring.round(never));
    expect(rounds.map(({ ids, fresh }) => [ids.length, fresh])).toEqual([
      [4, 4],
      [2, 2],
      [0, 0],
    ]);
    for (const { key } of models.active) expect(store.unscored(key)).toEqual([]);
  });

  it('scores only under models of targets that can be answered, and the others when those can', async () => {
    const [a, b, c] = [await published('a', 1n), await published('b', 2n), await published('c', 3n)];
    await models.update([a, b, c]);
    for (const id of ['a', 'b']) await models.load(models.get(id)!, never);
    const book = new OpenTargets();
    book.add(target('0x1', ['a']), 0);
    book.add(target('0x2', ['b', 'c']), 0);
    const scoring = scorer(book, 4);
    expect(await scoring.round(never)).toMatchObject({ fresh: 4 });
    expect(store.models).toEqual([models.get('a')!.key]);
    await models.load(models.get('c')!, never);
    // What the store has is scored before anything new.
    expect(await scoring.round(never)).toMatchObject({ fresh: 0, ids: [0, 1, 2, 3] });
    expect(store.unscored(models.get('b')!.key)).toEqual([]);
    expect(store.unscored(models.get('c')!.key)).toEqual([]);
  });

  // A hit is submitted when its round ends.
  it.each([
    { of: 'grow to the largest where they are quick', parallel: 2, roundMs: 100, sizes: [2, 4, 8, 10] },
    { of: 'stay as small as keeps a slow engine busy', parallel: 2, roundMs: 5_000, sizes: [2, 2, 2, 2] },
    { of: 'shrink once models turn slow', parallel: 1, roundMs: [10, 10, 10, 2_000], sizes: [1, 2, 4, 8, 4] },
  ])('rounds $of', async ({ parallel, roundMs, sizes }) => {
    await loaded(await published('a', 1n));
    const times = sizes.flatMap((_, n) => [0, (typeof roundMs === 'number' ? roundMs : roundMs[n]) ?? 0]);
    const ingest = new SampleIngest(samples(100), store);
    const book = new OpenTargets();
    const scoring = new Scorer(
      { batchSize: 10, parallel },
      { store, ingest, models, book, now: () => times.shift() ?? 0 },
    );
    const scored = [];
    while (scored.length < sizes.length) scored.push((await scoring.round(never)).ids.length);
    expect(scored).toEqual(sizes);
  });

  it('gives out what is scored while a slow scorer still has other samples, and never has more out than allowed', async () => {
    await loaded(await published('a', 1n));
    const gate = (): { readonly opened: Promise<void>; readonly open: () => void } => {
      let open = (): void => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      return { opened, open };
    };
    const [slow, full] = [gate(), gate()];
    let [out, mostOut] = [0, 0];
    hold = async (held) => {
      out += held.length;
      mostOut = Math.max(mostOut, out);
      if (out === 8) full.open();
      const number = Number(held[0]?.split(' ').at(-1));
      if (number >= 4) await full.opened;
      if (number === 4) await slow.opened;
      out -= held.length;
    };
    const ingest = new SampleIngest(samples(22), store);
    const book = new OpenTargets();
    const scoring = new Scorer({ batchSize: 8 }, { store, ingest, models, book, now: () => now });
    const scored: number[] = [];
    while (scored.length < 18) scored.push(...(await scoring.round(never)).ids);
    expect(scored.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 22 }, (_, n) => n).filter((n) => n < 4 || n > 7),
    );
    slow.open();
    expect(await scoring.round(never)).toMatchObject({ ids: [4, 5, 6, 7], fresh: 4 });
    expect(await scoring.round(never)).toMatchObject({ ids: [] });
    expect(mostOut).toBe(8);
  });

  it('reads on from the oldest sample without a score, though there always is one', async () => {
    await loaded(await published('a', 1n));
    const scans = vi.spyOn(store, 'unscored');
    const ingest = new SampleIngest(samples(40), store);
    const scoring = new Scorer({ batchSize: 8 }, { store, ingest, models, book: new OpenTargets(), now: () => now });
    let scored = 0;
    while (scored < 32) scored += (await scoring.round(never)).ids.length;
    // Two rounds of four are in flight at most.
    expect(scans.mock.lastCall?.[1]?.after).toBeGreaterThanOrEqual(scored - 12);
    await scoring.abandon();
  });

  it('scores again what was abandoned', async () => {
    await loaded(await published('a', 1n));
    const scoring = scorer(new OpenTargets(), 4);
    const entered = new Promise<void>((resolve) => {
      hold = async (_held, signal) => {
        resolve();
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      };
    });
    const round = scoring.round(never);
    await entered;
    const abandoned = scoring.abandon();
    await expect(round).rejects.toThrow();
    await abandoned;
    hold = async () => {};
    expect(await scoring.round(never)).toMatchObject({ ids: [0, 1, 2, 3], fresh: 4 });
  });

  it('stops scoring under weights that are no longer active', async () => {
    const [a, b] = [await published('a', 1n), await published('b', 2n)];
    await loaded(a, b);
    const scoring = scorer(new OpenTargets(), 4);
    const [first, second] = models.active.map(({ key }) => key);
    const entered = new Promise<void>((resolve) => {
      hold = async (_held, signal) => {
        resolve();
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      };
    });
    const round = scoring.round(never);
    await entered;
    hold = async () => {};
    await models.update([b]);
    expect(await round).toMatchObject({ ids: [0, 1, 2, 3] });
    expect(store.unscored(first!)).toHaveLength(4);
    expect(store.unscored(second!)).toEqual([]);
  });

  it('does nothing without a model', async () => {
    expect(await scorer(new OpenTargets(), 4).round(never)).toEqual({ ids: [], fresh: 0, onlyKnown: false });
    expect(store.sampleCount).toBe(0);
  });
});

describe('the loader of models', () => {
  it('says how many targets wait for a model that cannot be fetched, and loads the others', async () => {
    const a = await published('a', 1n);
    const lost = {
      ...(await published('b', 2n)),
      manifest: { ...a.manifest!, checksum: new Uint8Array(32), size: 1n },
    };
    await models.update([a, lost as Model]);
    const book = new OpenTargets();
    for (const [n, ids] of [['a'], ['a', 'b'], ['b']].entries()) book.add(target(`0x${n}`, ids), 0);
    const warnings: string[] = [];
    const background = new TaskGroup(async () => {});
    let ready = 0;
    const deps = { models, book, background, onReady: () => void ready++, onEnded: () => {} };
    const loader = new ModelLoader({ ...deps, warn: ({ message }) => warnings.push(message) });
    loader.loadDue(never);
    expect(loader.busy).toBe(true);
    await background.settled();
    expect([ready, loader.busy]).toEqual([1, false]);
    expect(warnings).toEqual(['2 of 3 targets wait for model b']);
    expect(loader.statuses.map(({ state }) => state)).toEqual(['ready', 'failed']);
  });
});
