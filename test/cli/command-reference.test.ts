import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandReference } from '../../src/cli/command-reference.js';

const reference = await commandReference();

describe('docs/commands.md', () => {
  it('is what the commands say (else: npm run build && node scripts/write-command-reference.mjs)', () => {
    const committed = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
    expect(committed).toBe(reference);
  });

  it('has an example for every command of the SOMA network', () => {
    const sections = reference.split(/^#{2,4} /m).slice(1);
    const nouns = /^quarry (targets|models|data|wallet|store) \w|^quarry (tx|score|submit|claim)\b/;
    const lacking = sections.filter((text) => nouns.test(text) && !/Examples?:|quarry tx transfer/.test(text));
    expect(lacking.map((text) => text.split('\n')[0])).toEqual([]);
  });
});
