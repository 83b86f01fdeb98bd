import { expect, test } from 'vitest';
import { type Sample, spreadStream } from '../../src/sources/index.js';
import { SpreadOrder } from '../../src/sources/spread-order.js';

const filled = (value: number): Uint8Array => new Uint8Array(64).fill(value);
/** Four kinds of text, each five times, kind by kind: unit i holds kind i. */
const ARRIVING: readonly Sample[] = ['aaaab', 'zzzzy', '00001', '----+'].flatMap((text, unit) =>
  Array.from({ length: 5 }, (_, i) => ({ bytes: Buffer.from(text.repeat(8 + i)), origin: `${unit}.${i}`, unit })),
);

async function* stream(samples: readonly Sample[] = ARRIVING): AsyncGenerator<Sample> {
  yield* samples;
}

async function origins(samples: AsyncIterable<Sample>): Promise<string[]> {
  const out: string[] = [];
  for await (const { origin } of samples) out.push(origin);
  return out;
}

test('the sample most unlike those before goes first, the oldest of equals', () => {
  const order = new SpreadOrder<string>();
  order.add('first', filled(1));
  order.add('same', filled(1));
  order.add(
    'half',
    Uint8Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1 : 2)),
  );
  order.add('other', filled(3));
  expect([order.take(), order.take(), order.take()]).toEqual(['first', 'other', 'half']);
  // What comes later is compared with all that were taken.
  order.add('new', filled(4));
  expect([order.take(), order.take(), order.take()]).toEqual(['new', 'same', undefined]);
});

test('every kind is met before any comes again, as far ahead as is looked, and nothing is lost', async () => {
  const spread = await origins(spreadStream(stream(), { lookAhead: 64 }));
  expect(
    spread
      .slice(0, 4)
      .map((origin) => origin[0])
      .sort(),
  ).toEqual(['0', '1', '2', '3']);
  expect([...spread].sort()).toEqual(ARRIVING.map(({ origin }) => origin).sort());
  const near = await origins(spreadStream(stream(), { lookAhead: 5 }));
  expect(near.slice(0, 4)).not.toContain('3.0');
  expect(await origins(spreadStream(stream(), { lookAhead: 0 }))).toEqual(ARRIVING.map(({ origin }) => origin));
});

test('where a later run begins takes into account what is still held', async () => {
  const samples: Sample[] = [];
  for await (const sample of spreadStream(stream(), { lookAhead: 64 })) samples.push(sample);
  for (const [i, { unit }] of samples.entries()) {
    const left = samples.slice(i).map(({ origin }) => Number(origin[0]));
    expect(unit).toBe(Math.min(...left));
  }
});

test('a source with nothing ready does not delay samples that are', async () => {
  async function* slow(): AsyncGenerator<Sample> {
    yield* ARRIVING.slice(0, 2);
    await new Promise(() => {});
  }
  const spread = spreadStream(slow(), { lookAhead: 64 });
  expect([(await spread.next()).value?.origin, (await spread.next()).value?.origin]).toEqual(['0.0', '0.1']);
});

test('closing it closes the source', async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Sample> {
    try {
      yield* ARRIVING;
    } finally {
      closed = true;
    }
  }
  const spread = spreadStream(source(), { lookAhead: 4 });
  await spread.next();
  await spread.return(undefined);
  expect(closed).toBe(true);
});
