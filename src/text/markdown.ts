import { plainText } from './plain-text.js';
import type { Column } from './table.js';

/** Renders rows as a GitHub-flavoured Markdown table. */
export function renderMarkdown<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const head = line(columns.map((column) => cell(column.header)));
  const rule = line(columns.map((column) => (column.align === 'right' ? '---:' : '---')));
  return head + rule + rows.map((row) => line(columns.map((column) => cell(column.value(row))))).join('');
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  return plainText(String(value)).replaceAll('\\', '\\\\').replaceAll('|', '\\|');
}
