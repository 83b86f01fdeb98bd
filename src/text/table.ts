import { plainText } from './plain-text.js';
import { textWidth } from './text-width.js';

export interface Column<Row> {
  readonly header: string;
  /** Returns the cell's value. Control characters are removed; absent values show as `-`. */
  readonly value: (row: Row) => string | number | bigint | boolean | null | undefined;
  readonly align?: 'left' | 'right' | undefined;
  /** Priority for shrinking on narrow terminals; the highest shrinks first. Default 0: never. */
  readonly shrink?: number | undefined;
}

export interface TableOptions {
  /** Terminal width in cells. Default: unlimited. */
  readonly columns?: number | undefined;
  /** Text for absent values. Default `-`. */
  readonly absent?: string | undefined;
  /** Emphasises the header. */
  readonly bold?: ((text: string) => string) | undefined;
}

const GAP = 2;
const NARROWEST = 6;

/** Renders rows as aligned text, measured in terminal cells (wide characters and emoji take two). No final newline. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions = {},
): string {
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row), options.absent)));
  const widths = columns.map((column, i) =>
    cells.reduce((width, line) => Math.max(width, textWidth(line[i] ?? '')), textWidth(column.header)),
  );
  if (options.columns !== undefined) shrink(widths, columns, options.columns);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => pad(text, widths[i] ?? 0, columns[i]?.align ?? 'left'))
      .join(' '.repeat(GAP))
      .trimEnd();
  const header = line(columns.map((column) => column.header));
  return [options.bold?.(header) ?? header, ...cells.map(line)].join('\n');
}

/** Renders fields as two aligned columns, `name  value`. */
export function renderFields(fields: readonly (readonly [name: string, value: unknown])[]): string {
  const width = Math.max(0, ...fields.map(([name]) => textWidth(name)));
  return fields.map(([name, value]) => `${pad(name, width, 'left')}  ${cellText(value)}`.trimEnd()).join('\n');
}

function cellText(value: unknown, absent = '-'): string {
  return value === undefined || value === null || value === '' ? absent : plainText(String(value));
}

function shrink<Row>(widths: number[], columns: readonly Column<Row>[], limit: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  const order = columns
    .map((column, i) => ({ i, shrink: column.shrink ?? 0 }))
    .filter((entry) => entry.shrink > 0)
    .sort((a, b) => b.shrink - a.shrink);
  for (const { i } of order) {
    const excess = total() - limit;
    if (excess <= 0) return;
    widths[i] = Math.max(Math.min(widths[i] ?? 0, NARROWEST), (widths[i] ?? 0) - excess);
  }
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const fitted = truncate(text, width);
  const fill = ' '.repeat(Math.max(0, width - textWidth(fitted)));
  return align === 'right' ? fill + fitted : fitted + fill;
}

/** Truncates `text` to `width` terminal cells, with an ellipsis. Never cuts within a grapheme. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const cells = textWidth(segment);
    if (used + cells > width - 1) break;
    out += segment;
    used += cells;
  }
  return `${out}…`;
}
