import { type FlatTable, flatten, type JsonObject } from '../../../flock/index.js';
import { type Column, plainText, renderMarkdown, renderTable, textWidth, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { say, tell } from '../../print.js';
import { isSameHeader, pickColumns, printTable, type TableFlags } from '../../table.js';

/** Flags for the output format. */
export interface FormatFlags extends TableFlags {
  readonly json?: boolean | undefined;
  readonly ndjson?: boolean | undefined;
  readonly table?: boolean | undefined;
  readonly flat?: boolean | undefined;
}

/** Rows in two forms: as received from the service, and for display. */
export interface Listing<Row> {
  /** Name of the list in `--json`. */
  readonly name: string;
  /** Rows as received, for JSON, NDJSON, CSV and `--flat`. */
  readonly wire: readonly JsonObject[];
  /** The same rows for tables. */
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  /** Headers of columns to omit if the terminal is too narrow, first one first. */
  readonly optional?: readonly string[] | undefined;
  /** Additional fields of the `--json` object. */
  readonly more?: Readonly<Record<string, unknown>> | undefined;
  /** Line below a table; goes to stderr, as it is not data. */
  readonly footer?: string | undefined;
  /** Shown on stderr instead of an empty table. */
  readonly empty?: string | undefined;
}

/**
 * Prints a listing in the requested format.
 *
 * @throws QuarryError `USAGE` when a column does not exist
 */
export function printListing<Row>(
  context: CliContext,
  flags: FormatFlags & { readonly quiet?: boolean | undefined },
  listing: Listing<Row>,
): void {
  const form = formOf(flags);
  const flat = flags.flat || form === 'csv' ? flatten(listing.wire) : undefined;
  if (form === 'json' || form === 'ndjson') {
    const rows = flags.flat ? filled(flat ?? flatten(listing.wire)) : listing.wire;
    const chosen = flags.columns === undefined ? rows : pickFields(rows, flags.columns);
    const text =
      form === 'json' ? toJsonLine({ [listing.name]: chosen, ...listing.more }) : chosen.map(toJsonLine).join('\n');
    if (text !== '') say(context, text);
    return;
  }
  const wanted = flags.columns;
  const inView =
    wanted?.split(',').every((name) => listing.columns.some((column) => isSameHeader(column.header, name))) ?? true;
  if (flat !== undefined || !inView) {
    const table = flat ?? flatten(listing.wire);
    write(context, flags, form, table.rows, pickColumns(flatColumns(table), wanted));
  } else {
    const columns =
      wanted === undefined && form === 'table' ? fitting(context, listing) : pickColumns(listing.columns, wanted);
    write(context, flags, form, listing.rows, columns);
  }
  if (flags.quiet || form !== 'table') return;
  if (listing.rows.length === 0 && listing.empty !== undefined) tell(context, listing.empty);
  if (listing.footer !== undefined) tell(context, listing.footer);
}

/** Prints one record: a JSON object, or names and values side by side. */
export function printRecord(
  context: CliContext,
  flags: FormatFlags,
  wire: JsonObject,
  fields: readonly (readonly [name: string, value: unknown])[],
): void {
  const form = formOf(flags);
  if (form === 'json' || form === 'ndjson') {
    const record = flags.flat ? filled(flatten(wire))[0] : wire;
    say(context, toJsonLine(record));
    return;
  }
  if (form === 'csv' || flags.flat) {
    const table = flatten(wire);
    write(context, flags, form, table.rows, flatColumns(table));
    return;
  }
  const columns: Column<readonly [string, unknown]>[] = [
    { header: 'FIELD', value: ([name]) => name },
    { header: 'VALUE', value: ([, value]) => (value === undefined || value === null ? undefined : String(value)) },
  ];
  if (form === 'md') context.stdout.write(renderMarkdown(fields, columns));
  else {
    const text = renderTable(fields, columns, { absent: '—' });
    // Skip the header, which is meaningless in a vertical view.
    say(context, text.slice(text.indexOf('\n') + 1));
  }
}

/** Prints one event of a stream: NDJSON with `--json` or `--ndjson`, otherwise a line of text. */
export function printEvent(context: CliContext, flags: FormatFlags, event: unknown, text: string): void {
  const form = formOf(flags);
  say(context, form === 'json' || form === 'ndjson' ? toJsonLine(event) : text);
}

/** Whether the output is machine-readable. */
export function isMachineReadable(flags: FormatFlags): boolean {
  return flags.json === true || flags.ndjson === true;
}

/** Minimum width of a truncatable column; below it, optional columns are omitted first. */
const LEAST_CELLS = 20;

/** Selects the columns that fit the terminal, omitting optional ones one by one. */
function fitting<Row>(context: CliContext, listing: Listing<Row>): readonly Column<Row>[] {
  const limit = context.columns;
  if (limit === undefined || listing.optional === undefined) return listing.columns;
  const widths = new Map(
    listing.columns.map((column) => {
      const cells = listing.rows.map((row) => textWidth(plainText(String(column.value(row) ?? '—'))));
      const natural = cells.reduce((most, width) => Math.max(most, width), textWidth(column.header));
      return [column, (column.shrink ?? 0) > 0 ? Math.min(natural, LEAST_CELLS) : natural];
    }),
  );
  let columns = [...listing.columns];
  for (const header of listing.optional) {
    const needed = columns.reduce((sum, column) => sum + (widths.get(column) ?? 0) + 2, -2);
    if (needed <= limit) break;
    columns = columns.filter((column) => column.header !== header);
  }
  return columns;
}

type Form = (typeof FORMS)[number];
const FORMS = ['json', 'ndjson', 'csv', 'md', 'table'] as const;

function formOf(flags: FormatFlags): Form {
  return FORMS.find((form) => flags[form]) ?? 'table';
}

function write<Row>(
  context: CliContext,
  flags: FormatFlags,
  form: Form,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): void {
  // Without rows, --flat has no columns: skip the empty table.
  if (form === 'table' && rows.length === 0 && columns.length === 0) return;
  const shape = { ...flags, columns: undefined, guard: flags.guard === true };
  printTable(context, shape, rows, columns, undefined, '—');
}

function flatColumns(table: FlatTable): Column<FlatTable['rows'][number]>[] {
  return table.columns.map((name, index) => ({
    header: name,
    shrink: index + 1,
    value: (row) => {
      const value = row[name];
      if (value === null || value === undefined) return undefined;
      return typeof value === 'object' ? JSON.stringify(value) : value;
    },
  }));
}

function pickFields(rows: readonly JsonObject[], columns: string): JsonObject[] {
  const names = columns.split(',').map((name) => name.trim());
  return rows.map((row) =>
    Object.fromEntries(
      names.map((name) => [name, row[Object.keys(row).find((key) => isSameHeader(key, name)) ?? name] ?? null]),
    ),
  );
}

/** Fills missing cells with null, so that every row has every column. */
function filled(table: FlatTable): JsonObject[] {
  return table.rows.map((row) => Object.fromEntries(table.columns.map((column) => [column, row[column] ?? null])));
}
