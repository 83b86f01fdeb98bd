import type { Column } from './table.js';

export interface CsvOptions {
  /** Default CRLF, as RFC 4180 has it. */
  readonly lineEnd?: '\n' | '\r\n' | undefined;
  /** Begins the text with a byte order mark, which some spreadsheets need to read UTF-8. */
  readonly bom?: boolean | undefined;
  /** Whether text that a spreadsheet would run as a formula gets an apostrophe in front. Default true. */
  readonly guardFormulas?: boolean | undefined;
}

/**
 * Rows as CSV by RFC 4180: CRLF, fields quoted where they must be. A leading `=`, `+`, `-` or `@` of a text is
 * prefixed with an apostrophe, since spreadsheets run such cells as formulas; numbers are left alone.
 */
export function renderCsv<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: CsvOptions = {},
): string {
  const { lineEnd = '\r\n', bom = false, guardFormulas = true } = options;
  const lines = [columns.map((column) => field(column.header, guardFormulas))];
  for (const row of rows) lines.push(columns.map((column) => field(column.value(row), guardFormulas)));
  return `${bom ? '\ufeff' : ''}${lines.map((line) => `${line.join(',')}${lineEnd}`).join('')}`;
}

function field(value: unknown, guard: boolean): string {
  if (value === undefined || value === null) return '';
  const text =
    guard && typeof value === 'string' && /^[=+\-@\t\r]/.test(value) && !isNumeric(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function isNumeric(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}
