import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import { startMiningNetwork } from './network.js';

const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));

test('SIGINT lets a running quarry mine finish what is in flight: nothing pending, no warning', async () => {
  const network = await startMiningNetwork();
  const stateDir = join(network.dir, 'cli-state');
  try {
    const args = ['mine', '--json', '--network', network.devnet.rpcUrl, '--state-dir', stateDir, '--workers', '1'];
    const child = spawn(process.execPath, [program, ...args, '--data', join(network.dir, 'text.bin')], {
      cwd: network.dir,
      env: { PATH: process.env['PATH'], HOME: network.dir, SOMA_SECRET_KEY: network.signer.exportSecret('hex') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const events: { event: string; accepted?: number; lost?: number; submitted?: number }[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      events.push(JSON.parse(line));
      // In the middle of a burst: others are on their way.
      if (events.filter(({ event }) => event === 'accepted').length === 3) child.kill('SIGINT');
    });
    let complaints = '';
    child.stderr.on('data', (part) => {
      complaints += String(part);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect([code, complaints]).toEqual([130, '']);
    const summary = events.at(-1);
    expect(summary).toMatchObject({ event: 'summary', rejected: 0, unknown: 0 });
    expect(summary?.submitted).toBe((summary?.accepted ?? 0) + (summary?.lost ?? 0));
    const journal = new Journal(join(stateDir, 'journal.db'), Date.now);
    expect(journal.totals()).toMatchObject({ pending: 0, accepted: summary?.accepted, unclaimed: summary?.accepted });
    journal.close();
  } finally {
    await network.close();
  }
});
