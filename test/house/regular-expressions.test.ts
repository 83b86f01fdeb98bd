import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../../src', import.meta.url).pathname;

/** What is repeated makes a pattern try again from each place: digits, letters, marks that begin something without an end. */
const REPEATED = [
  '0',
  'a',
  'A',
  '_',
  ' ',
  '\t',
  '=',
  '/',
  '"',
  '\\"',
  "'",
  '{',
  '[',
  '(',
  '<',
  '!',
  '?',
  '#',
  '-',
  '.',
  '%',
  ':',
  ',',
  '\u009b',
  '\u001b[',
];
const TIMES = 30_000;
/** What follows is in no pattern's way of ending well. */
const END = '\u0000\n\u0000';
/** Processor time. One pass over such a text takes some milliseconds at most; a pass from each of its places, seconds. */
const MOST_MS = 150;

interface Found {
  readonly where: string;
  readonly pattern: RegExp;
}

/** A regular expression where a value may stand; a division may look like one, which does no harm. */
const LITERAL =
  /(?:[(,=:[!&|?{};>]|return|^)\s*\/((?![*/ ])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n[])+)\/([dgimsuyv]*)(?=[\s.,;)\]}]|$)/gm;

/** The regular expressions written in src, once each. */
function* expressions(): Generator<Found> {
  const seen = new Set<string>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(name) || name.startsWith('gen')) continue;
    for (const [, source = '', flags] of readFileSync(join(root, name), 'utf8').matchAll(LITERAL)) {
      const where = `${name}: /${source}/${flags}`;
      if (seen.has(where)) continue;
      seen.add(where);
      yield { where, pattern: new RegExp(source, flags) };
    }
  }
}

/** Whether the pattern takes one pass over the text, or too long. */
function isQuick(pattern: RegExp, text: string): boolean {
  const before = process.cpuUsage();
  text.replace(pattern, '');
  const { user, system } = process.cpuUsage(before);
  return user + system < MOST_MS * 1_000;
}

test("no regular expression tries a stranger's text again from each of its places", () => {
  const slow: string[] = [];
  let tried = 0;
  for (const { where, pattern } of expressions()) {
    tried++;
    const found = REPEATED.find((part) => !isQuick(pattern, part.repeat(TIMES) + END));
    if (found !== undefined) slow.push(`${where} on ${JSON.stringify(found)}`);
  }
  expect(tried).toBeGreaterThan(100);
  expect(slow).toEqual([]);
});
