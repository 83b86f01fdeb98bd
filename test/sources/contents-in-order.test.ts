import { expect, test } from 'vitest';
import { QuarryError, toQuarryError } from '../../src/errors/index.js';
import { HttpClient } from '../../src/net/index.js';
import { contentsInOrder, type LinkedRow } from '../../src/sources/contents-in-order.js';
import { listen } from '../loopback-server.js';

const http = new HttpClient({ retry: { attempts: 1 } });

async function* rows(count: number): AsyncGenerator<LinkedRow<number>> {
  for (let n = 0; n < count; n++) yield { origin: `row ${n}`, row: n };
}

/** Reads a hundred contents of a host, `down` for as long as it says so; `pause` stands for the pauses between attempts. */
async function read(down: (row: number) => boolean, pause: (ms: number) => void) {
  const asked: number[] = [];
  const server = await listen((request, response) => {
    const row = Number(request.url?.slice(1));
    asked.push(row);
    response.writeHead(down(row) ? 503 : 200).end(String(row));
  });
  const left: string[] = [];
  const fetched = (row: number) =>
    http
      .bytes({ url: `${server.url}/${row}`, maxBytes: 100 })
      .catch((error: unknown) => toQuarryError(error, 'reading'));
  const options = { onLeftOut: (name: string) => void left.push(name) };
  const texts: string[] = [];
  let failure: unknown;
  try {
    for await (const { pieces } of contentsInOrder(rows(100), fetched, options, { sleep: async (ms) => pause(ms) })) {
      for await (const piece of pieces) texts.push(Buffer.from(piece).toString());
    }
  } catch (error) {
    failure = error;
  }
  await server.close();
  return { texts, left, asked, failure };
}

test('a host that is briefly unavailable costs no contents, and earlier ones are not requested again', async () => {
  let pauses = 0;
  const { texts, left, asked, failure } = await read(
    (row) => row >= 30 && pauses < 3,
    () => void pauses++,
  );
  expect(failure).toBeUndefined();
  expect(pauses).toBe(3);
  expect(left).toEqual([]);
  expect(texts).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
  expect(asked.filter((row) => row < 30)).toHaveLength(30);
});

test('a host that stays unavailable is given up after eight attempts', async () => {
  const pauses: number[] = [];
  const { texts, failure } = await read(
    (row) => row >= 50,
    (ms) => void pauses.push(ms),
  );
  expect(failure).toBeInstanceOf(QuarryError);
  expect(failure).toMatchObject({ retryable: true });
  expect(texts).toHaveLength(50);
  expect(pauses).toHaveLength(7);
  expect(pauses.every((ms, n) => ms <= Math.min(1_000 * 2 ** n, 30_000))).toBe(true);
});

test('single contents that cannot be fetched are skipped in place', async () => {
  const { texts, left, failure } = await read(
    (row) => row % 10 === 3,
    () => {},
  );
  expect(failure).toBeUndefined();
  expect(texts).toHaveLength(90);
  expect(left.slice(0, 2)).toEqual(['row 3', 'row 13']);
  expect(left.at(-1)).toBe('5 more records after row 43');
});
