import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';

const bin = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
let dir: string;
let devnet: Devnet;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-bin-'));
  devnet = await startDevnet({ seed: 71, checkpointIntervalMs: 20 });
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

function start(args: readonly string[]): ChildProcess {
  const env = { PATH: process.env['PATH'], HOME: dir, QUARRY_NETWORK: devnet.rpcUrl, QUARRY_ENGINE: 'js' };
  return spawn(process.execPath, [bin, ...args], { env, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function finish(child: ChildProcess): Promise<{ exit: number | null; stdout: string; stderr: string }> {
  const collected = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (part) => {
      collected[name] += String(part);
    });
  }
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, ...collected };
}

describe('the built command', () => {
  it('generates and scores', async () => {
    const made = await finish(
      start(['models', 'generate', '--config', 'small', '--seed', '2', '--out', 'w.st', '--json']),
    );
    expect([made.exit, made.stderr]).toEqual([0, '']);
    await writeFile(join(dir, 'a.txt'), 'one sample');
    const scored = await finish(start(['score', 'a.txt', '--model', 'w.st', '--config', 'small', '--json']));
    expect([scored.exit, scored.stderr]).toEqual([0, '']);
    const line = JSON.parse(scored.stdout);
    expect(Object.keys(line)).toEqual(['file', 'loss', 'embedding']);
    expect(line.file).toBe('a.txt');
    expect(line.embedding).toHaveLength(16);
  });

  it.skipIf(process.platform === 'win32')("leaves SIGPROF to Node's own profiler", async () => {
    const args = ['--cpu-prof', '--cpu-prof-name', 'run.cpuprofile', bin, 'models', 'generate'];
    const env = { PATH: process.env['PATH'], HOME: dir };
    const out = ['--config', 'small', '--seed', '3', '--out', 'profiled.st'];
    const child = spawn(process.execPath, [...args, ...out], { env, cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    expect((await finish(child)).exit).toBe(0);
    expect(JSON.parse(await readFile(join(dir, 'run.cpuprofile'), 'utf8')).samples.length).toBeGreaterThan(10);
  });

  it('ends with 130 on SIGINT', async () => {
    const child = start(['targets', 'watch', '--json']);
    child.stdout?.once('data', () => child.kill('SIGINT'));
    expect((await finish(child)).exit).toBe(130);
  });

  it('lets the demo finish on the network it started on when a terminal signals the whole process group', async () => {
    const env = { PATH: process.env['PATH'], HOME: dir };
    const child = spawn(process.execPath, [bin, 'demo', '--json', '--workers', '1'], {
      env,
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const lines = createInterface({ input: child.stdout });
    const events: string[] = [];
    lines.on('line', (line) => {
      const { event } = JSON.parse(line) as { event: string };
      if (event === 'accepted' && !events.includes(event)) process.kill(-(child.pid ?? 0), 'SIGINT');
      events.push(event);
    });
    let complaints = '';
    child.stderr.on('data', (part) => {
      complaints += String(part);
    });
    const [exit] = (await once(child, 'close')) as [number | null];
    expect({ exit, complaints, last: events.at(-1) }).toEqual({ exit: 130, complaints: '', last: 'summary' });
  });

  it.skipIf(process.platform !== 'linux')(
    'reports output that is lost, but not to whoever has closed the pipe',
    async () => {
      const env = { PATH: process.env['PATH'], HOME: dir };
      const run = async (args: readonly string[], out: number | 'pipe') => {
        const child = spawn(process.execPath, [bin, ...args], { env, cwd: dir, stdio: ['ignore', out, 'pipe'] });
        child.stdout?.destroy();
        const { exit, stderr } = await finish(child);
        return [exit, stderr];
      };
      const full = openSync('/dev/full', 'w');
      try {
        const said = expect.stringMatching(
          /^error: writing to standard output failed: ENOSPC.+\nhint: free some space.*\n$/,
        );
        for (const args of [['--version'], ['--help'], ['completion', 'bash'], ['targets', 'list', '--help']]) {
          expect([args, ...(await run(args, full))]).toEqual([args, 1, said]);
          expect([args, ...(await run(args, 'pipe'))]).toEqual([args, 0, '']);
        }
        const [exit, stderr] = await run(['setup', 'gpu', '--json'], full);
        expect([exit, JSON.parse(String(stderr)).error.code]).toEqual([1, 'DISK_FULL']);
      } finally {
        closeSync(full);
      }
    },
  );

  it('prints errors once, on stderr, with their exit code', async () => {
    const unreachable = await finish(start(['wallet', 'balance', '0x1', '--network', 'http://127.0.0.1:1']));
    expect(unreachable.exit).toBe(4);
    expect(unreachable.stdout).toBe('');
    expect(unreachable.stderr).toMatch(/^error: .+\nhint: .+\n$/);
    // Node takes some flags for its own, wherever they stand.
    const missing = await finish(start(['wallet', 'list', '--dotenv', 'none', '--json']));
    expect([missing.exit, JSON.parse(missing.stderr).error.code]).toEqual([1, 'FILE_NOT_FOUND']);
  });
});
