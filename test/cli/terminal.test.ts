import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';

const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).status === 0;

let network: MiningNetwork;
beforeAll(async () => {
  network = await startMiningNetwork({ texts: 2_000 });
});
afterAll(() => network.close());

let seed = 0;

/** Every miner begins with other samples: those of an earlier one have been submitted. */
function mineArguments(name: string): string[] {
  const { devnet, dir } = network;
  const where = ['--network', devnet.rpcUrl, '--state-dir', join(dir, name), '--data', join(dir, 'text.bin')];
  return [program, 'mine', ...where, '--workers', '1', '--seed', String(++seed)];
}

function environment(): Record<string, string> {
  const { dir, signer } = network;
  const secret = signer.exportSecret('hex');
  return { PATH: process.env['PATH'] ?? '', HOME: dir, SOMA_SECRET_KEY: secret, TERM: 'xterm', NO_COLOR: '1' };
}

/** What a process has written so far, and waiting for some of it. */
class Written {
  text = '';
  #onText = (): void => {};

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (part) => {
      this.text += String(part);
      this.#onText();
    });
  }

  /** Resolves when what came after `from` matches. */
  async has(pattern: RegExp, from = 0): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onText = () => {
        if (pattern.test(this.text.slice(from))) resolve();
      };
      this.#onText();
    });
  }
}

/** Runs the miner on a terminal of so many columns; what its shell says of the terminal afterwards comes last. */
function mineOnTerminal(columns: number, name: string, env: Record<string, string> = {}): [ChildProcess, Written] {
  const mining = [process.execPath, ...mineArguments(name)].map((word) => `'${word}'`).join(' ');
  const shell = `trap : INT; stty cols ${columns} rows 30; ${mining}; echo "exit $?"; stty -a`;
  const child = spawn('script', ['-qfec', shell, '/dev/null'], {
    cwd: network.dir,
    env: { ...environment(), SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return [child, new Written(child.stdout!)];
}

describe.skipIf(!hasScript)('on a terminal', () => {
  it('keys steer the miner, and the terminal is as it was afterwards', async () => {
    const [child, written] = mineOnTerminal(80, 'keys');
    const press = async (key: string, answer: RegExp): Promise<void> => {
      const from = written.text.length;
      child.stdin!.write(key);
      await written.has(answer, from);
    };
    await written.has(/mining as/);
    await press('h', /keys:[\s\S]*q {2}quit/);
    await press('p', /paused: key p/);
    await press('P', /paused {2}/);
    await press('r', /resumed/);
    await press('s', /submitted/);
    await press('q', /quitting[\s\S]*done in/);
    await written.has(/exit 0[\s\S]* icanon[\s\S]* echo /);
    await once(child, 'close');
    // Every time of the live status ends with its removal: nothing of it stands below the summary.
    expect(written.text.slice(written.text.indexOf('done in'))).not.toContain('A 0  L');
  });

  it.each([80, 120, 200])('the status fits %i columns, and Ctrl-C leaves nothing of it', async (columns) => {
    const [child, written] = mineOnTerminal(columns, `at-${columns}`);
    await written.has(/A [1-9]\d* {2}L \d+ {2}R \d+.*\r\n/);
    child.stdin!.write('\u0003');
    await written.has(/exit 130/);
    await once(child, 'close');
    const screen = written.text.split('\r\n').flatMap((line) => line.split('\u001b[0J'));
    const status = screen.filter((line) => /^A \d+ {2}L/.test(line));
    expect(status.length).toBeGreaterThan(0);
    for (const line of status) {
      expect(line.length).toBeLessThan(columns);
      // No number and no unit is cut.
      expect(line).toMatch(/(\d|\/h|SOMA|ms|samples\/s|n\/a|%|\))$/);
    }
    expect(written.text.slice(written.text.lastIndexOf('\u001b[0J'))).not.toMatch(/A \d+ {2}L/);
  });

  it('a dumb terminal gets lines and no escape sequence', async () => {
    const [child, written] = mineOnTerminal(80, 'dumb', { TERM: 'dumb' });
    await written.has(/accepted {2}/);
    child.stdin!.write('\u0003');
    await written.has(/exit 130/);
    await once(child, 'close');
    expect(written.text).not.toContain('\u001b[');
    expect(written.text).toMatch(/mining as .* {2}\[20\d\d-/);
  });
});

it('results go to stdout and messages to stderr, each line with its time', async () => {
  const child = spawn(process.execPath, [...mineArguments('pipe'), '--max-accepted', '1', '--status-seconds', '1'], {
    cwd: network.dir,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = [new Written(child.stdout), new Written(child.stderr)];
  expect(await once(child, 'close')).toEqual([0, null]);
  const results = out.text.split('\n').filter((line) => line.startsWith('accepted'));
  expect(results.length).toBeGreaterThan(0);
  for (const line of results) expect(line).toMatch(/SOMA .* {2}\[\d{4}-\d\d-\d\dT[\d:.]+Z\]$/);
  expect(out.text).toMatch(/done in [\s\S]*1 accepted/);
  expect(err.text).toMatch(/^mining as .* {2}\[20\d\d-/m);
  expect(err.text).not.toMatch(/^accepted|done in/m);
});
