import { describe, expect, it } from 'vitest';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import { FarMatcher } from '../../src/miner/match/far-matcher.js';
import type { FarRows, FarSample } from '../../src/store/index.js';
import { A, opened, temporaryDir } from '../store/fixtures.js';

const east = Float32Array.of(1, 0, 0, 0);
const north = Float32Array.of(0, 1, 0, 0);
const never = new AbortController().signal;

/** Rows elsewhere that give what a test puts there, and a matcher that asks for them. */
async function bench() {
  const store = await opened({ dir: temporaryDir() });
  const book = new OpenTargets();
  const samples: FarSample[] = [];
  const asked: string[] = [];
  const answered: number[] = [];
  const work: Promise<void>[] = [];
  const clock = { now: 0 };
  const far: { -readonly [K in keyof FarRows]: FarRows[K] } = {
    rows: 5,
    busy: false,
    hasFresh: true,
    find: async (targets, { freshOnly, exclude }, take) => {
      asked.push(`${freshOnly ? 'new' : 'all'} ${targets.length}`);
      for (const each of samples) {
        const isRefused = [...exclude(each.targetId)].includes(Buffer.from(each.checksum).toString('hex'));
        if (!isRefused && (await take(each))) return;
      }
    },
  };
  const matcher = new FarMatcher(
    { policy: 'first', margin: 0 },
    {
      ...{ far, store, book, composer: { maxParts: 1 }, now: () => clock.now },
      models: { active: [], get: () => undefined, keysOf: () => [A], loaded: () => undefined },
      answerWith: async (ids) => void answered.push(...ids),
      background: (each) => void work.push(each),
    },
  );
  const done = async (): Promise<void> => {
    for (const each of work.splice(0)) await each;
  };
  const open = (id: string): void => {
    const target = { id, status: 'open', embedding: east, modelIds: ['a'], distanceThreshold: 0.5 };
    book.add(target as never, 0);
  };
  return { matcher, far, store, book, samples, asked, answered, clock, done, open };
}

function sample(targetId: string, byte: number, embedding: Float32Array, fetched: number[]): FarSample {
  const bytes = Uint8Array.of(byte);
  const fetch = async () => {
    fetched.push(byte);
    return { bytes, origin: 'elsewhere' };
  };
  return {
    targetId,
    checksum: new Uint8Array(32).fill(byte),
    fetch,
    scores: [{ loss: 1, embedding, precision: 'f32' }],
  };
}

describe('rows elsewhere', () => {
  it('are searched for open targets at a pace, and nothing waits for them while none is open', async () => {
    const { matcher, far, asked, clock, done, open } = await bench();
    expect(matcher.busy).toBe(false);
    open('one');
    expect(matcher.busy).toBe(true);
    matcher.answerOpen(never);
    matcher.askAgain();
    matcher.answerOpen(never);
    await done();
    matcher.answerOpen(never);
    expect(asked).toEqual(['new 1']);
    clock.now = 1_000;
    matcher.answerOpen(never);
    await done();
    expect(asked).toEqual(['new 1', 'all 1']);
    far.hasFresh = false;
    clock.now = 9_000;
    matcher.answerOpen(never);
    expect(asked).toHaveLength(2);
    expect(matcher.busy).toBe(false);
  });

  it('become samples here once they hit here too; what does not is not asked for again', async () => {
    const { matcher, store, book, samples, answered, done, open } = await bench();
    const fetched: number[] = [];
    samples.push(sample('one', 1, north, fetched), sample('one', 2, east, fetched), sample('one', 3, east, fetched));
    open('one');
    matcher.answer(book.available, never);
    await done();
    expect(fetched).toEqual([1, 2]);
    expect(answered.map((id) => store.sample(id).bytes)).toEqual([Uint8Array.of(2)]);
    expect(store.score(answered[0]!, A)).toMatchObject({ loss: 1, precision: 'f32' });
    book.exclude('one', answered[0]!);
    matcher.answer(book.available, never);
    await done();
    expect(fetched).toEqual([1, 2, 3]);
    expect(answered).toHaveLength(2);
  });
});
