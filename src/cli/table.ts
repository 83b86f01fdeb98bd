import type { Command } from 'commander';
import { QuarryError } from '../errors/index.js';
import { type Column, renderCsv, renderMarkdown, renderTable } from '../text/index.js';
import type { CliContext } from './context.js';
import { say, tell } from './print.js';

/** Flags of all commands that list rows. */
export interface TableFlags {
  readonly csv?: boolean | undefined;
  readonly md?: boolean | undefined;
  /** Headers, comma-separated; case, spaces, `_` and `-` are ignored. */
  readonly columns?: string | undefined;
  readonly crlf?: boolean | undefined;
  readonly bom?: boolean | undefined;
  /** Whether CSV escapes text that a spreadsheet would run as a formula. Default true. */
  readonly guard?: boolean | undefined;
}

/** Flags that each ask for a format. */
const FORMATS = ['json', 'ndjson', 'csv', 'md', 'table'] as const;

/**
 * Adds `--csv`, `--md` and `--columns` to a command. Two formats at once are refused before the command does anything: some
 * do more than print.
 */
export function addTableFlags(command: Command): Command {
  return command
    .option('--csv', 'CSV')
    .option('--md', 'Markdown table')
    .option('--columns <names>', 'only these columns, comma-separated')
    .hook('preAction', (_program, action) => {
      const flags = action.opts();
      const chosen = FORMATS.filter((format) => flags[format]);
      if (chosen.length < 2) return;
      throw new QuarryError('USAGE', `--${chosen.join(' and --')} exclude each other`, {
        hint: 'choose one output format',
      });
    });
}

/**
 * Prints rows in the requested format: CSV, Markdown, or a table as wide as the terminal. Without rows, prints a
 * message instead of a table.
 *
 * @param absent shown in tables for absent values (default `-`)
 * @throws QuarryError `USAGE` when a column does not exist
 */
export function printTable<Row>(
  context: CliContext,
  flags: TableFlags,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty?: string,
  absent?: string,
): void {
  const chosen = pickColumns(columns, flags.columns);
  if (flags.csv) {
    const form = { lineEnd: flags.crlf ? '\r\n' : '\n', bom: flags.bom, guardFormulas: flags.guard ?? true } as const;
    context.stdout.write(renderCsv(rows, chosen, form));
  } else if (flags.md) context.stdout.write(renderMarkdown(rows, chosen));
  else if (rows.length === 0 && empty !== undefined) tell(context, empty);
  else say(context, renderTable(rows, chosen, { columns: context.columns, bold: context.style.bold, absent }));
}

/**
 * Selects columns by a comma-separated list of headers, in its order; all columns without a list.
 *
 * @throws QuarryError `USAGE` when there is no column of that name
 */
export function pickColumns<Row>(columns: readonly Column<Row>[], wanted: string | undefined): readonly Column<Row>[] {
  if (wanted === undefined) return columns;
  return wanted.split(',').map((name) => {
    const found = columns.find((column) => isSameHeader(column.header, name));
    if (found !== undefined) return found;
    throw new QuarryError('USAGE', `unknown column ${name.trim()}`, {
      hint: `columns are ${columns.map((column) => column.header).join(', ')}`,
    });
  });
}

/** Whether a name on the command line refers to this header. */
export function isSameHeader(header: string, name: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[\s_-]/g, '');
  return plain(header) === plain(name);
}
