import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
let dir = '';
const sockets: Socket[] = [];
/** Accepts connections and never says anything. */
const silent = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-interrupted-'));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await rm(dir, { recursive: true, force: true });
});

it.each([
  ['SIGINT', 130, 'targets list'],
  ['SIGINT', 130, 'wallet faucet'],
  ['SIGINT', 130, 'doctor'],
  ['SIGINT', 130, 'scorer'],
  ['SIGTERM', 0, 'fleet status'],
  ['SIGINT', 130, 'flock tasks'],
  ['SIGTERM', 0, 'flock doctor --schema'],
  ['SIGINT', 130, 'aitbc jobs list'],
  ['SIGTERM', 0, 'aitbc miner run --miner-id me'],
  // Nor is there an answer to the TLS handshake.
  ['SIGINT', 130, 'targets list --network https://PLACE'],
  ['SIGINT', 130, 'aitbc jobs list --base-url https://PLACE'],
] as const)(
  '%s ends with %i, and no error, a command that waits for its first answer: %s',
  async (signal, exit, line) => {
    const place = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const url = `http://${place}`;
    const networks = { QUARRY_NETWORK: url, QUARRY_FAUCET_URL: url, FLOCK_BASE_URL: url, AITBC_BASE_URL: url };
    const keys = { SOMA_SECRET_KEY: '11'.repeat(32), AITBC_API_KEY: 'k', AITBC_MINER_KEY: 'm' };
    const child = spawn(process.execPath, [program, ...line.replace('PLACE', place).split(' ')], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, QUARRY_NATS: `nats://${place}`, ...networks, ...keys },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaints = '';
    child.stderr.on('data', (part) => {
      complaints += String(part);
    });
    const ended = once(child, 'close');
    await once(silent, 'connection');
    child.kill(signal);
    expect((await ended)[0]).toBe(exit);
    expect(complaints).not.toContain('error:');
  },
);
