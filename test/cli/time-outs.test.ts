import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { cliRunner } from './run-cli.js';

const run = cliRunner({ HOME: '/nonexistent', AITBC_API_KEY: 'k' });
const sockets: Socket[] = [];
const silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
beforeAll(async () => {
  await once(silent.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

it.each([
  ['SOMA', ['targets', 'list', '--timeout-seconds', '0.1', '--network']],
  ['FLock', ['flock', 'tasks', '--timeout-seconds', '0.1', '--base-url']],
  ['AITBC', ['aitbc', 'jobs', 'get', 'x', '--timeout-seconds', '0.1', '--base-url']],
  ['AITBC, by its former flag', ['aitbc', 'jobs', 'get', 'x', '--http-timeout-ms', '100', '--base-url']],
])('the longest wait for one answer is the same flag for all networks: %s', async (_, args) => {
  const { stderr, exit } = await run([...args, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`]);
  expect(exit).toBe(4);
  expect(stderr).toMatch(/DEADLINE_EXCEEDED|no answer within 100 ms|Headers Timeout/);
});

it('is also set by its former name', async () => {
  const at = { cwd: '/nonexistent', env: { HOME: '/nonexistent' } };
  expect(await loadConfig({ ...at, flags: { timeout: '5' } })).toMatchObject({ timeoutSeconds: 5 });
  await expect(loadConfig({ ...at, flags: { timeout: '0' } })).rejects.toMatchObject({ code: 'USAGE' });
});
