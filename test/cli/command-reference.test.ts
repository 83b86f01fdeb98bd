import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandReference } from '../../src/cli/command-reference.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { manPage } from '../../src/cli/man-page.js';

const reference = await commandReference();

describe('man/quarry.1', () => {
  const page = readFileSync(new URL('../../man/quarry.1', import.meta.url), 'utf8');

  it('is what the commands say (else: npm run build && node scripts/write-command-reference.mjs)', async () => {
    expect(page).toBe(await manPage());
  });

  it('has a section for every command and only lines that roff understands', () => {
    for (const { name } of COMMANDS) expect(page).toContain(`.SS quarry ${name.replaceAll('-', '\\-')}`);
    for (const line of page.split('\n')) expect(line).toMatch(/^(\.(TH|SH|SS|TP|B|BR|I)\b.*|[^.'].*|)$/);
  });
});

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
