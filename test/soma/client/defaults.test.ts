import { afterEach, expect, test } from 'vitest';
import { NETWORKS } from '../../../src/soma/client/networks.js';
import { endpointsOf } from '../../../src/soma/client/soma-client-options.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

let fixture: Fixture | undefined;
afterEach(() => fixture?.close());

test('the services of a named network are known, and a URL of the caller goes before them', () => {
  expect(endpointsOf({ network: 'localnet' })).toMatchObject(NETWORKS.localnet);
  expect(endpointsOf({ network: 'localnet', faucetUrl: undefined })).toMatchObject(NETWORKS.localnet);
  const own = endpointsOf({ network: 'localnet', faucetUrl: 'http://127.0.0.1:1' });
  expect(own).toEqual({ ...endpointsOf({ network: 'localnet' }), faucetUrl: 'http://127.0.0.1:1' });
});

test('an execution may take as long as finality does, unless its caller says otherwise', async () => {
  fixture = await startFixture();
  const { client, keypair } = fixture;
  const asked: (number | undefined)[] = [];
  const { transport } = client.context;
  const unary = transport.unary.bind(transport);
  transport.unary = ((method: { name: string }, request: never, options: { timeoutMs?: number }) => {
    if (method.name === 'ExecuteTransaction') asked.push(options.timeoutMs);
    return unary(method as never, request, options as never);
  }) as typeof transport.unary;
  const recipient = keypair.address;
  await client.account(keypair).transferCoin({ recipient, amountShannons: 1n });
  await client.account(keypair).transferCoin({ recipient, amountShannons: 1n, timeoutMs: 60_000 });
  expect(asked).toEqual([120_000, 60_000]);
});
