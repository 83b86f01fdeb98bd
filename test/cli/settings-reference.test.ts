import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsReference } from '../../src/cli/settings-reference.js';
import { SETTINGS } from '../../src/config/index.js';

describe('the settings reference', () => {
  it('is current (else: npm run build && node scripts/write-command-reference.mjs)', () => {
    expect(readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')).toBe(settingsReference());
  });

  it('has a row for every setting', () => {
    const rows = settingsReference().match(/^\| `(\w+)`/gm);
    expect(rows?.map((row) => row.slice(3, -1)).sort()).toEqual(Object.keys(SETTINGS).sort());
  });
});
