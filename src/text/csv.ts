import type { Column } from './table.js';

export interface CsvOptions {
  /** Default CRLF, as in RFC 4180. */
  readonly lineEnd?: '\n' | '\r\n' | undefined;
  /** Begins the text with a byte order mark, which some spreadsheets need to read UTF-8. */
  readonly bom?: boolean | undefined;
  /** Prefixes text that a spreadsheet would run as a formula with an apostrophe. Default true. */
  readonly guardFormulas?: boolean | undefined;
}

/**
 * Renders rows as RFC 4180 CSV, quoting fields where required. Text with a leading `=`, `+`, `-` or `@` gets an
 * apostrophe prefix, since spreadsheets run such cells as formulas; numbers do not.
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
