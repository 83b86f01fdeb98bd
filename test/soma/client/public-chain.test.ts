import { expect, test } from 'vitest';
import { startDevnet } from '../../../src/devnet/index.js';
import { isPublicChain } from '../../../src/soma/client/public-chain.js';
import { SomaClient } from '../../../src/soma/client/soma-client.js';
import { parseEndpoint } from '../../../src/soma/client/transport/index.js';

test('the chain decides which network it is', async () => {
  expect(isPublicChain({ chain: 'testnet', chainId: 'x' })).toBe(true);
  expect(isPublicChain({ chain: 'localnet', chainId: '964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd' })).toBe(true);
  expect(isPublicChain({ chain: 'localnet', chainId: 'x' })).toBe(false);
});

test('a network of this machine may keep its data here', async () => {
  const devnet = await startDevnet();
  const client = await SomaClient.connect({ url: devnet.rpcUrl });
  expect(client.addressPolicy.allowLoopback).toBe(true);
  client.close();
  await devnet.close();
});

test('names that only begin with localhost are not this machine', () => {
  expect(parseEndpoint('http://localhost.example.com:9000').loopback).toBe(false);
  expect(parseEndpoint('http://LOCALHOST:9000').loopback).toBe(true);
});
