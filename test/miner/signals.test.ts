import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../until.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
/** A start that hangs is ended, and fails the test by its signal. */
const PATIENCE_MS = 60_000;

let network: MiningNetwork;
beforeAll(async () => {
  network = await startMiningNetwork({ auditShare: 0 });
});
afterAll(() => network.close());

function mine(stateDir: string, ...more: string[]): ChildProcess {
  const args = [
    'mine',
    '--json',
    '--network',
    network.devnet.rpcUrl,
    '--state-dir',
    stateDir,
    '--workers',
    '1',
    ...more,
  ];
  return spawn(process.execPath, [program, ...args, '--data', join(network.dir, 'text.bin')], {
    cwd: network.dir,
    env: { PATH: process.env['PATH'], HOME: network.dir, SOMA_SECRET_KEY: network.signer.exportSecret('hex') },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
}

/** The exit code, and the code of the error that it ended with. */
async function failureOf(child: ChildProcess): Promise<unknown[]> {
  let told = '';
  child.stderr?.on('data', (part) => {
    told += String(part);
  });
  const [code] = await once(child, 'close');
  return [code, told === '' ? undefined : JSON.parse(told).error.code];
}

it.skipIf(process.platform === 'win32')(
  'mines on through signals that by default end a process, and opens its log anew',
  async () => {
    const log = join(network.dir, 'signals.log');
    const child = mine(join(network.dir, 'signals'), '--log-file', log, '--status-seconds', '1');
    const closed = once(child, 'close');
    await once(createInterface({ input: child.stdout! }), 'line');
    await until(() => existsSync(log), 'the log');
    renameSync(log, `${log}.aside`);
    for (const signal of ['SIGALRM', 'SIGVTALRM', 'SIGPROF', 'SIGIO', 'SIGSTKFLT', 'SIGHUP'] as const)
      child.kill(signal);
    await until(() => existsSync(log), 'the log after SIGHUP');
    renameSync(log, `${log}.aside`);
    child.kill('SIGUSR2');
    await until(() => existsSync(log), 'the log after SIGUSR2');
    // It has processor time left to finish in.
    child.kill('SIGXCPU');
    expect(await closed).toEqual([130, null]);
  },
);

it.each(['hosted.port', 'journal.db'])('ends, and says why, when its %s is a directory', async (name) => {
  const stateDir = join(network.dir, 'odd');
  mkdirSync(join(stateDir, name), { recursive: true });
  expect(await failureOf(mine(stateDir))).toEqual([1, 'FILE_UNREADABLE']);
  rmSync(stateDir, { recursive: true });
});

it
  .skipIf(process.platform === 'win32')
  .each([
    'journal.db',
    'journal.db-wal',
    'journal.db.mark',
    'hosted.port',
    'role/address',
    'role/writer.pid',
    'store/index.db-wal',
    'store/writer.pid',
    'store/samples/index.bin',
  ])('ends, and says why, when its %s is a FIFO', async (name) => {
  const stateDir = join(network.dir, 'fifo');
  mkdirSync(dirname(join(stateDir, name)), { recursive: true });
  execFileSync('mkfifo', [join(stateDir, name)]);
  expect(await failureOf(mine(stateDir))).toEqual([1, 'FILE_UNREADABLE']);
  rmSync(stateDir, { recursive: true });
});

it.runIf(process.platform === 'linux')('ends, and says why, when its state cannot be made', async () => {
  expect(await failureOf(mine('/proc/quarry/state'))).toEqual([1, 'FILE_UNREADABLE']);
});
