import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatRate,
  plainText,
  renderCsv,
  renderMarkdown,
  renderTable,
  toJsonLine,
  truncate,
} from '../../src/text/index.js';

const rows = [
  { title: 'Mainnet 👀 you’ve stumbled', count: 3 },
  { title: 'a|b, "c"', count: 12345 },
];
const columns = [
  { header: 'title', value: (row: { title: string }) => row.title, shrink: 1 },
  { header: 'count', value: (row: { count: number }) => row.count, align: 'right' as const },
];

test('tables align by terminal cells and fit a narrow terminal', () => {
  const wide = renderTable(rows, columns).split('\n');
  expect(new Set(wide.map((line) => stringWidth(line))).size).toBe(1);
  for (const line of renderTable(rows, columns, { columns: 20 }).split('\n'))
    expect(stringWidth(line)).toBeLessThanOrEqual(20);
});

test('cut text never splits a grapheme', () => {
  expect(truncate('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3)).toBe('👩‍👩‍👧‍👦…');
  expect(truncate('short', 10)).toBe('short');
});

test('CSV quotes what must be quoted and disarms formulas', () => {
  expect(renderCsv(rows, columns)).toBe('title,count\r\nMainnet 👀 you’ve stumbled,3\r\n"a|b, ""c""",12345\r\n');
  expect(renderCsv([{ title: '=1+1', count: -1 }], columns)).toBe("title,count\r\n'=1+1,-1\r\n");
});

test('Markdown escapes pipes', () => {
  expect(renderMarkdown(rows.slice(1), columns)).toContain('| a\\|b, "c" | 12345 |');
});

test('text from the network cannot drive a terminal', () => {
  expect(plainText('\u001b[31mred\u001b[0m\u001b]0;title\u0007 a\r\nb\u202e')).toBe('red a b');
});

test('JSON keeps large integers', () => {
  expect(toJsonLine({ a: 2n ** 64n, v: Float32Array.of(1, 0.5) })).toBe('{"a":"18446744073709551616","v":[1,0.5]}');
});

test('quantities read well', () => {
  expect(formatBytes(4_838_779_992)).toBe('4.51 GiB');
  expect(formatBytes(12.34)).toBe('12 B');
  expect(formatDuration(245_000)).toBe('4m 05s');
  expect([2.5, 3, 12.4].map(formatDuration)).toEqual(['2.5 ms', '3 ms', '12 ms']);
  expect([formatRate(0.5), formatRate(12.34), formatRate(3414), formatRate(1.2e8)]).toEqual([
    '0.50',
    '12.3',
    '3.41k',
    '120M',
  ]);
});
