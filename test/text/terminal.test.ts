import { expect, test } from 'vitest';
import { createStyle, plainText, terminalText, toJsonLine } from '../../src/text/index.js';

const HOSTILE = [
  'a\u001b[31mb',
  'a\u009b31mb',
  'a\u001b]0;title\u0007b',
  'a\u009d0;title\u009cb',
  'a\u001bPq#0\u001b\\b',
  'a\u202eb',
  'a\u2066b',
  'a\u200fb',
];

test.each(HOSTILE)('plainText leaves nothing of %j', (text) => {
  expect(plainText(text)).toBe('ab');
});

test('plainText keeps a line a line', () => {
  expect(plainText('one\r\ntwo\u2028three\u0007')).toBe('one two three');
});

test('what is printed keeps our colours and line ends, and nothing else that a terminal obeys', () => {
  const { red } = createStyle(true);
  expect(terminalText(`${red('x')}\n\ty`)).toBe(`${red('x')}\n\ty`);
  expect(terminalText('a\rb\u0007\u001b[2Jc\u009b2Jd\u202ee')).toBe('abcde');
});

test.each(['\u009b31m', '\u202e', '\u2028', '\u001b[2J'])('JSON carries %j only as an escape', (text) => {
  const line = toJsonLine({ text });
  expect(line).toMatch(/^[ -~]*$/);
  expect(JSON.parse(line)).toEqual({ text });
});
