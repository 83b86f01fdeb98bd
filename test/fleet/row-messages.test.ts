import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PublishedModel } from '../../src/fleet/index.js';
import { packFrame } from '../../src/fleet/rows/frame.js';
import { KeptRows, keyOf } from '../../src/fleet/rows/kept-rows.js';
import { RecentRows } from '../../src/fleet/rows/recent-rows.js';
import {
  decodeReply,
  decodeRequest,
  encodeDone,
  encodeHit,
  encodeRequest,
  type ScanRequest,
} from '../../src/fleet/rows/scan-wire.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';

const models = ['a', 'b'].map((digit) => ({ architecture: 'v1', checksum: digit.repeat(64) }));
const request: ScanRequest = {
  pick: 'closest',
  ...{ margin: 0.01, f32Bound: 1e-5, lowBound: null, maxParts: 16, fewest: true, waitMs: 500 },
  seen: { '0123abcd': 12 },
  targets: [
    { id: 'one', models, embedding: Float32Array.of(1, -2), threshold: 0.5, exclude: ['c'.repeat(64)] },
    { id: 'two', models: models.slice(1), embedding: Float32Array.of(3, 4), threshold: 0.25, exclude: [] },
  ],
};
const hit = {
  ...{ scorer: '0123abcd', targetId: 'one', checksum: 'd'.repeat(64), sizeBytes: 7, distance: 0.25, composed: false },
  scores: [
    { loss: 1.5, embedding: Float32Array.of(1, 2), precision: 'bf16' as const },
    { loss: Number.NaN, embedding: Float32Array.of(3, 4), precision: 'f32' as const },
  ],
};

describe('messages about rows', () => {
  it('say the same on both sides', () => {
    expect(decodeRequest(encodeRequest(request))).toEqual(request);
    expect(decodeReply(encodeHit(hit))).toEqual(hit);
    const done = { scorer: '0123abcd', done: true, seen: 9 } as const;
    expect(decodeReply(encodeDone(done))).toEqual(done);
  });

  it('are refused when truncated or impossible', () => {
    for (const bytes of [encodeRequest(request), encodeHit(hit)]) {
      const decode = (part: Uint8Array): unknown =>
        bytes[10] === undefined ? undefined : [decodeRequest, decodeReply].map((each) => each(part));
      for (const length of [0, 3, 4, 40, bytes.length - 1, bytes.length - 4]) {
        expect(() => decode(bytes.slice(0, length))).toThrow(/malformed message about rows/);
      }
    }
    expect(() => decodeRequest(encodeRequest({ ...request, targets: [] }))).toThrow(/malformed/);
    expect(() => decodeReply(encodeHit({ ...hit, scorer: '../..' }))).toThrow(/malformed/);
    expect(() => decodeReply(encodeHit({ ...hit, checksum: 'short' }))).toThrow(/malformed/);
    expect(() => decodeReply(packFrame({ done: true, scorer: '0123abcd', seen: -1 }))).toThrow(/malformed/);
    const nan = { ...request.targets[0]!, embedding: Float32Array.of(Number.NaN, 1) };
    expect(() => decodeRequest(encodeRequest({ ...request, targets: [nan] }))).toThrow(/malformed/);
  });
});

describe('kept rows', () => {
  it('lose the scores of weights that were replaced two days ago, and no others', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-replaced-'));
    const model = (digit: string): PublishedModel => {
      const manifest = {
        url: 'http://a/',
        checksum: digit.repeat(64),
        sizeBytes: 1,
        decryptionKey: new Uint8Array(32),
      };
      return { manifest, config: MODEL_CONFIGS.small };
    };
    const [old, current] = [model('1'), model('2')];
    let known = [old, current];
    let now = 0;
    const day = 24 * 3_600_000;
    const use = (): Promise<never> => Promise.reject(new Error('nothing is scored here'));
    const rows = new KeptRows(dir, { models: { use }, known: () => known, onWarning: () => {}, now: () => now });
    const store = (await rows.store())!;
    const [sample] = await store.appendSamples([{ bytes: Uint8Array.of(1) }]);
    const score = { sampleId: sample!.id, loss: 1, embedding: new Float32Array(16).fill(1), precision: 'f32' as const };
    for (const each of known) await store.appendScores(keyOf(each), [score]);
    known = [current];
    await rows.dropReplaced(store);
    now = day;
    // A coordinator that is away has replaced nothing.
    known = [];
    await rows.dropReplaced(store);
    known = [current];
    await rows.dropReplaced(store);
    now = 3 * day - 1;
    await rows.dropReplaced(store);
    expect(store.models).toHaveLength(2);
    now = 3 * day;
    await rows.dropReplaced(store);
    expect(store.models).toEqual([keyOf(current)]);
    await rows.close();
    await rm(dir, { recursive: true });
  });
});

describe('recent rows', () => {
  it('are those since a mark, each once, as far back as is remembered', () => {
    const rows = new RecentRows();
    rows.add([1, 2]);
    const { mark } = rows;
    rows.add([2, 3, 2]);
    expect(rows.since(mark)).toEqual([2, 3]);
    expect(rows.since(rows.mark)).toEqual([]);
    expect(rows.since(rows.mark + 1)).toBeUndefined();
    for (let i = 0; i < 5; i++) rows.add(new Uint32Array(2 ** 20));
    expect(rows.since(mark)).toBeUndefined();
    expect(rows.since(rows.mark - 1)).toEqual([0]);
  });
});
