import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { hasNatsServer, startNatsServer } from '../../bench/nats-server.js';
import { cliRunner } from '../cli/run-cli.js';
import { until } from '../until.js';

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

it.skipIf(!hasNatsServer)(
  'mines the demo with whatever scorers answer, and shows them in the status, the doctor and the summary',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-commands-'));
    closers.push(() => rm(dir, { recursive: true, force: true }));
    const server = await startNatsServer(dir);
    closers.push(() => server.close());
    const run = cliRunner({ HOME: dir });
    const nats = ['--nats', server.url];
    const start = (args: readonly string[]): ChildProcess => {
      const env = { PATH: process.env['PATH'], HOME: dir };
      const child = spawn(process.execPath, ['bin/quarry.js', ...args, ...nats], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      closers.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'close');
      });
      return child;
    };
    expect((await run(['fleet', 'status', '--json', ...nats])).json).toMatchObject({ scorers: [], queued: 0 });
    start(['scorer', '--allow-loopback', '--engine', 'native', '--workers', '1', '--state-dir', join(dir, 'scorer')]);
    const demo = start(['demo', '--engine', 'fleet', '--json', '--max-accepted', '2']);
    const lines: string[] = [];
    createInterface({ input: demo.stdout! }).on('line', (line) => lines.push(line));
    const ended = once(demo, 'close');
    const scorer = await until(
      async () => {
        const { scorers } = (await run(['fleet', 'status', '--json', ...nats])).json;
        return scorers.find(({ samples }: { samples: number }) => samples > 0);
      },
      'the scorer to score',
      { deadlineMs: 300_000 },
    );
    expect(scorer).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      label: expect.stringMatching(/native$/),
    });
    const table = await run(['fleet', 'status', ...nats]);
    expect(table.stdout).toContain('PER SECOND');
    expect(table.stdout).toContain(scorer.id);
    const { fleet } = (await run(['doctor', '--json', ...nats])).json;
    expect(fleet).toMatchObject({ available: true, detail: expect.stringMatching(/^nats-server 2\..*JetStream/) });
    const [exit] = await ended;
    const summary = JSON.parse(lines.at(-1)!);
    expect({ exit, event: summary.event, accepted: summary.accepted }).toEqual({
      exit: 0,
      event: 'summary',
      accepted: 2,
    });
    expect(summary.fleet).toMatchObject({ scorers: 1, samples: expect.any(Number), redelivered: 0, leftOut: 0 });
    expect(summary.fleet.samples).toBeGreaterThan(3);
  },
  600_000,
);
