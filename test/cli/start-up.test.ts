import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { silentContext } from '../../src/cli/command-reference.js';
import { allCommands, COMMANDS, commandsFor } from '../../src/cli/commands/index.js';

const bin = fileURLToPath(new URL('../../bin', import.meta.url));

describe('commands are loaded when they are needed', () => {
  it('under the names and descriptions they have themselves', async () => {
    const full = await allCommands(silentContext());
    expect(COMMANDS.map(({ name, description }) => [name, description])).toEqual(
      full.map((command) => [command.name(), command.description()]),
    );
  });

  it('only the one that is named', async () => {
    const [only, ...others] = await commandsFor(['--json', 'tx', 'show'], silentContext());
    expect([only?.name(), others]).toEqual(['tx', []]);
    expect(only?.commands.length).toBeGreaterThan(0);
    expect(await commandsFor(['--help'], silentContext())).toHaveLength(COMMANDS.length);
  });
});

describe('the start', () => {
  it('refuses a Node below the minimum, in one sentence', () => {
    const dir = mkdtempSync(join(tmpdir(), 'quarry-start-'));
    try {
      cpSync(bin, join(dir, 'bin'), { recursive: true });
      writeFileSync(join(dir, 'package.json'), JSON.stringify({ version: '9.9.9', engines: { node: '>=999.1' } }));
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(dir, 'bin', 'quarry.js'), '--version'], {
        encoding: 'utf8',
      });
      expect([status, stdout]).toEqual([3, '']);
      expect(stderr).toBe(`error: quarry needs Node 999.1 or newer, and this is ${process.versions.node}\n`);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
