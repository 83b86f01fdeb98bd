import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentContext } from '../../src/cli/command-reference.js';
import { runCommand } from '../../src/cli/main.js';

it('wallet export --out writes a file that only its owner may read, once', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'quarry-export-'));
  try {
    const at = ['--wallet-dir', join(dir, 'wallet')];
    const file = join(dir, 'miner.key');
    expect(await runCommand(['wallet', 'new', '--alias', 'm', ...at], silentContext())).toBe(0);
    expect(await runCommand(['wallet', 'export', 'm', '--out', file, ...at], silentContext())).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^somaprivkey1/);
    expect(await runCommand(['wallet', 'export', 'm', '--out', file, ...at], silentContext())).toBe(2);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
