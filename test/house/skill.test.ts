import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { COMMANDS } from '../../src/cli/commands/index.js';

const text = readFileSync(new URL('../../skills/quarry/SKILL.md', import.meta.url), 'utf8');
const reference = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');

test('the skill is in the form that agents read, and is installed', () => {
  const header = parse(/^---\n([\s\S]*?)\n---\n/.exec(text)?.[1] ?? '');
  expect(header).toMatchObject({ name: 'quarry', description: expect.stringContaining('Use when') });
  expect(header.description.length).toBeLessThan(1024);
  expect(manifest.files).toContain('skills');
});

test('the skill and the document of agents run a clone: the package is in no registry', () => {
  const agents = readFileSync(new URL('../../docs/agents.md', import.meta.url), 'utf8');
  for (const told of [text, agents]) {
    expect(told).toContain('bin/quarry.js');
    expect(told).not.toMatch(/\bnpx\b|npm (?:install|i) (?:-g|--global)/);
  }
});

test('every command and flag that the skill names exists', () => {
  const lines = [...text.matchAll(/`quarry ([^`]+)`/g)].map(([, line = '']) => line);
  expect(lines.length).toBeGreaterThan(15);
  for (const line of lines) {
    const [name = ''] = line.split(' ');
    if (/^[a-z]/.test(name)) expect(COMMANDS.map((command) => command.name)).toContain(name);
    for (const [flag] of line.matchAll(/--[a-z-]+/g)) if (flag !== '--version') expect(reference).toContain(flag);
  }
});
