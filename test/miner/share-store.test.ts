import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { whenGone } from '../../src/cli/mining/share-store.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { until } from '../until.js';
import { disagreements, readJournal, recordLedger } from './ledger-record.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));

/** Three processes start one after another, beside whatever else the machine does. */
const DEADLINE_MS = 150_000;
vi.setConfig({ testTimeout: 4 * DEADLINE_MS });

let network: MiningNetwork | undefined;
const processes: ChildProcess[] = [];
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await network?.close();
});

interface Told {
  readonly event: string;
  readonly origin?: string;
  readonly state?: string;
  readonly scoreFor?: string;
  readonly tookOver?: string;
  readonly error?: { readonly code: string; readonly hint?: string };
}

/** A process that mines in the one state directory, and what it told so far. */
function mine(
  { devnet, dir, signer }: MiningNetwork,
  data: string,
  {
    key = signer,
    share = true,
    more = [],
  }: { readonly key?: Keypair; readonly share?: boolean; readonly more?: readonly string[] } = {},
) {
  const args = ['mine', '--json', '--network', devnet.rpcUrl, '--state-dir', join(dir, 'state'), '--data', data];
  const child = spawn(
    process.execPath,
    [program, ...args, '--workers', '1', ...(share ? ['--share-store'] : []), ...more],
    {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, SOMA_SECRET_KEY: key.exportSecret('hex') },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  processes.push(child);
  const told: Told[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => told.push({ event: 'error', ...JSON.parse(line) }));
  }
  const ended = once(child, 'close');
  const heard = (what: string, is: (told: Told) => boolean) =>
    until(() => told.some(is), what, { deadlineMs: DEADLINE_MS });
  return { child, told, ended, heard };
}

/** A file of text that no other has. */
function text(dir: string, name: string, kilobytes = 64): string {
  const path = join(dir, name);
  writeFileSync(
    path,
    Array.from({ length: kilobytes * 64 }, (_, i) => `${name} ${i * 7919} `.padEnd(16, 'xyz')).join(''),
  );
  return path;
}

test('processes of one key share a state directory: one submits what all score, and the next mines on when it is killed', async () => {
  // Every target that is filled is replaced: those stay open that nothing of the first hits, and it searches for none.
  network = await startMiningNetwork({ hitsPerEpoch: 1_000_000 });
  const { devnet, dir, signer } = network;
  const ledger = recordLedger(devnet, signer.address);
  const [one, two] = [text(dir, 'one.txt', 3), text(dir, 'two.txt')];
  const more = ['--search-share', '0'];
  const first = mine(network, one, { more });
  await first.heard('the first to win a target', ({ event }) => event === 'accepted');
  const second = mine(network, two, { more });
  await second.heard('the second to score for the first', ({ scoreFor }) => scoreFor === join(dir, 'state'));
  await first.heard('the second to be found', ({ event, state }) => event === 'shared' && state === 'found');
  await first.heard('the first to win with what the second scored', (told) => {
    return told.event === 'accepted' && (told.origin ?? '').includes('two.txt');
  });
  expect(second.told.map(({ event }) => event)).not.toContain('hit');

  first.child.kill('SIGKILL');
  await second.heard('the second to mine on', ({ tookOver }) => tookOver !== undefined);
  await second.heard('the second to win', ({ event }) => event === 'accepted');
  second.child.kill('SIGTERM');
  await second.ended;

  expect(second.told.at(-1)).toMatchObject({ event: 'summary', lost: 0, rejected: 0, unknown: 0 });
  const path = join(dir, 'state', 'journal.db');
  const outcomes = new Set(readJournal(path).submissions.map(({ state }) => state));
  expect([...outcomes]).toEqual(['accepted']);
  expect(ledger.filter(({ succeeded }) => !succeeded)).toEqual([]);
  expect(disagreements(ledger, path)).toEqual([]);
});

test('what a process scored is the miner’s when that process ends; its own store goes', async () => {
  network = await startMiningNetwork();
  const { dir } = network;
  const first = mine(network, text(dir, 'one.txt'));
  await first.heard('the first to mine', ({ event }) => event === 'started');
  const second = mine(network, text(dir, 'two.txt'));
  await second.heard('the second to mine', ({ event }) => event === 'started');
  await first.heard('the second to be found', ({ event, state }) => event === 'shared' && state === 'found');
  second.child.kill('SIGTERM');
  await second.ended;
  await first.heard('the second to be gone', ({ event, state }) => event === 'shared' && state === 'gone');
  expect(readdirSync(join(dir, 'state', 'shared', '1', 'store')).sort()).toEqual(['writer.lock', 'writer.pid']);
  const again = mine(network, join(dir, 'two.txt'));
  await again.heard('the next to use that place', ({ event }) => event === 'started');
  expect(readdirSync(join(dir, 'state', 'shared'))).toEqual(['1']);
});

test('a state directory in use is refused without the flag, which is named, and with another key', async () => {
  network = await startMiningNetwork();
  const data = text(network.dir, 'one.txt');
  const first = mine(network, data);
  await first.heard('the first to mine', ({ event }) => event === 'started');
  const unshared = mine(network, data, { share: false });
  await unshared.ended;
  expect(unshared.told.at(-1)?.error).toMatchObject({
    code: 'STORE_LOCKED',
    hint: expect.stringContaining('--share-store'),
  });
  const stranger = mine(network, data, { key: Keypair.generate() });
  await stranger.ended;
  expect(stranger.told.at(-1)?.error).toMatchObject({
    code: 'CONFLICT',
    hint: expect.stringContaining('belongs to one key'),
  });
});

test('a process scores for a miner that only tries, and for none with another key', async () => {
  network = await startMiningNetwork();
  const { dir } = network;
  const first = mine(network, text(dir, 'one.txt'), { more: ['--dry-run'] });
  await first.heard('the first to mine', ({ event }) => event === 'started');
  const second = mine(network, text(dir, 'two.txt'));
  await second.heard('the second to score for it', ({ scoreFor }) => scoreFor !== undefined);
  expect(existsSync(join(dir, 'state', 'shared', '1', 'store', 'index.db'))).toBe(true);
  expect(existsSync(join(dir, 'state', 'shared', '1', 'hosted.port'))).toBe(false);
  const stranger = mine(network, text(dir, 'three.txt'), { key: Keypair.generate() });
  await stranger.ended;
  expect(stranger.told.at(-1)?.error).toMatchObject({ code: 'CONFLICT' });
});

test('of processes that start together one is the miner, with its port, and the others score for it', async () => {
  network = await startMiningNetwork();
  const { dir } = network;
  const port = await freePort();
  const more = ['--data-port', String(port), '--host-url', `http://127.0.0.1:${port}`];
  const all = ['one.txt', 'two.txt', 'three.txt'].map((name) => mine(network!, text(dir, name), { more }));
  await Promise.all(all.map(({ heard }) => heard('it to mine', ({ event }) => event === 'started')));
  expect(all.filter(({ told }) => told.some(({ scoreFor }) => scoreFor !== undefined))).toHaveLength(2);
  expect(all.flatMap(({ told }) => told.filter(({ event }) => event === 'error'))).toEqual([]);
});

test('a process that scores leaves the fleet to the miner, and ends with it where accepted submissions are counted', async () => {
  network = await startMiningNetwork();
  const { dir } = network;
  const more = ['--max-accepted', '100000'];
  const first = mine(network, text(dir, 'one.txt'), { more });
  await first.heard('the first to mine', ({ event }) => event === 'started');
  const fleet = ['--nats', 'nats://127.0.0.1:1'];
  const coordinator = mine(network, text(dir, 'two.txt'), { more: [...fleet, '--engine', 'fleet'] });
  await coordinator.ended;
  expect(coordinator.told.at(-1)?.error).toMatchObject({
    code: 'USAGE',
    hint: expect.stringContaining('quarry scorer'),
  });
  const second = mine(network, text(dir, 'two.txt'), { more: [...more, ...fleet] });
  await second.heard('the second to mine', ({ event }) => event === 'started');
  first.child.kill('SIGKILL');
  await second.ended;
  expect(second.child.exitCode).toBe(0);
  expect(second.told.some(({ tookOver }) => tookOver !== undefined)).toBe(false);
  expect(second.told.at(-1)?.event).toBe('summary');
});

test('a lock that cannot be checked is checked again', async () => {
  vi.useFakeTimers();
  const dir = await mkdtemp(join(tmpdir(), 'quarry-role-'));
  try {
    // Not a file, so that opening it fails.
    await mkdir(join(dir, 'role', 'writer.lock'), { recursive: true });
    let gone = 0;
    whenGone(dir, () => gone++);
    vi.advanceTimersByTime(10_000);
    expect(gone).toBe(0);
    await rm(join(dir, 'role'), { recursive: true });
    vi.advanceTimersByTime(10_000);
    expect(gone).toBe(1);
  } finally {
    vi.useRealTimers();
    await rm(dir, { recursive: true });
  }
});

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
