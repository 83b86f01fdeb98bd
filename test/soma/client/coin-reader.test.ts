import { afterEach, beforeEach, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import { CoinReader } from '../../../src/soma/client/account/coin-reader.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

const ABSENT = `0x${'ab'.repeat(32)}`;

let fixture: Fixture;
let stop: AbortController;
let calls: string[];
/** Fails batches of coins with this. */
let batchError: QuarryError | undefined;

beforeEach(async () => {
  fixture = await startFixture({ coins: [3n, 2n, 1n] });
  stop = new AbortController();
  calls = [];
  batchError = undefined;
  const { transport } = fixture.client.context;
  const unary = transport.unary.bind(transport);
  transport.unary = (async (method: { name: string }, ...rest: [never, never]) => {
    calls.push(method.name);
    if (method.name === 'BatchGetObjects' && batchError !== undefined) throw batchError;
    return unary(method as never, ...rest);
  }) as typeof transport.unary;
});
afterEach(() => fixture.close());

function reader(): CoinReader {
  return new CoinReader(fixture.client.context, fixture.keypair.address, stop.signal);
}

it('reads coins requested together in one call, and names each that is missing', async () => {
  const coins = await fixture.client.listCoins(fixture.keypair.address);
  calls.length = 0;
  const read = reader();
  const readings = await Promise.all([...coins.map(({ objectId }) => read.read(objectId)), read.read(ABSENT)]);
  expect(readings).toEqual([...coins, 'gone']);
  expect(calls).toEqual(['BatchGetObjects']);
  expect(await read.read(coins[0]!.objectId)).toEqual(coins[0]);
  expect(calls).toEqual(['BatchGetObjects', 'GetObject']);
});

it('does not let one object that does not fit spoil the others', async () => {
  const coins = await fixture.client.listCoins(fixture.keypair.address);
  batchError = new QuarryError('PROTOCOL', 'one object has no type');
  const read = reader();
  expect(await Promise.all(coins.map(({ objectId }) => read.read(objectId)))).toEqual(coins);
});

it('takes a node that does not answer for one that cannot tell, and rejects once it is stopped', async () => {
  const coins = await fixture.client.listCoins(fixture.keypair.address);
  batchError = new QuarryError('UNREACHABLE', 'the node is away');
  const read = reader();
  expect(await Promise.all(coins.map(({ objectId }) => read.read(objectId)))).toEqual(coins.map(() => 'unreadable'));
  const readings = Promise.allSettled(coins.map(({ objectId }) => read.read(objectId)));
  stop.abort();
  expect((await readings).map(({ status }) => status)).toEqual(coins.map(() => 'rejected'));
});
