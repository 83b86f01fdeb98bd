import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startDemoArena } from '../../src/devnet/flock/demo-arena.js';
import { listen } from '../../src/net/index.js';
import { until } from '../until.js';

/** Servers of this process that listen. */
const listening = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;

it('an arena of which one port is taken leaves none of its servers behind', async () => {
  const other = createServer();
  await listen(other, { host: '127.0.0.1', port: 0, what: 'port' });
  const { port } = other.address() as AddressInfo;
  const before = listening();
  await expect(startDemoArena({ port: port - 2 })).rejects.toMatchObject({ code: 'CONFLICT' });
  await until(() => listening() === before, 'the servers to be gone');
  other.close();
});
