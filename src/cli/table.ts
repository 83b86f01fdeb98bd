import type { Command } from 'commander';
import { QuarryError } from '../errors/index.js';
import { type Column, renderCsv, renderMarkdown, renderTable } from '../text/index.js';
import type { CliContext } from './context.js';
import { say, tell } from './print.js';

/** Flags of every command that lists rows. */
export interface TableFlags {
  readonly csv?: boolean | undefined;
  readonly md?: boolean | undefined;
  /** Headers, comma-separated; case, spaces, `_` and `-` do not count. */
  readonly columns?: string | undefined;
  readonly crlf?: boolean | undefined;
  readonly bom?: boolean | undefined;
  /** Whether CSV disarms text that a spreadsheet would run as a formula. Default true. */
  readonly guard?: boolean | undefined;
}

/** Adds `--csv`, `--md` and `--columns` to a command. */
export function addTableFlags(command: Command): Command {
  return command
    .option('--csv', 'CSV')
    .option('--md', 'Markdown table')
    .option('--columns <names>', 'only these columns, comma-separated');
}

/**
 * Rows in the form the flags ask for: CSV, Markdown, or a table as wide as the terminal. Where there are no rows, a
 * table is a line of talk instead.
 *
 * @param absent what a table for people shows for absent values (default `-`)
 * @throws QuarryError `USAGE` when two forms are asked for, or a column is not there
 */
export function printTable<Row>(
  context: CliContext,
  flags: TableFlags,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty?: string,
  absent?: string,
): void {
  if (flags.csv && flags.md) throw new QuarryError('USAGE', '--csv and --md exclude each other');
  const chosen = pickColumns(columns, flags.columns);
  if (flags.csv) {
    const form = { lineEnd: flags.crlf ? '\r\n' : '\n', bom: flags.bom, guardFormulas: flags.guard ?? true } as const;
    context.stdout.write(renderCsv(rows, chosen, form));
  } else if (flags.md) context.stdout.write(renderMarkdown(rows, chosen));
  else if (rows.length === 0 && empty !== undefined) tell(context, empty);
  else say(context, renderTable(rows, chosen, { columns: context.columns, bold: context.style.bold, absent }));
}

/**
 * The columns that a comma-separated list of headers names, in its order; all of them without a list.
 *
 * @throws QuarryError `USAGE` when there is none of a name
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

/** Whether a name on the command line means this header. */
export function isSameHeader(header: string, name: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[\s_-]/g, '');
  return plain(header) === plain(name);
}
