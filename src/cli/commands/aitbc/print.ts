import { wireOf } from '../../../aitbc/index.js';
import { type Column, renderFields, renderTable, toJsonLine } from '../../../output/index.js';
import type { CliContext } from '../../context.js';

interface OutputFlags {
  readonly json?: boolean;
  readonly camel?: boolean;
}

/** A line of data. */
export function say(context: CliContext, text: string): void {
  context.stdout.write(`${text}\n`);
}

/** A line of talk. */
export function tell(context: CliContext, text: string): void {
  context.stderr.write(`${text}\n`);
}

/** A result as one JSON object: the document's wire object, or camelCase when asked. */
export function jsonOf(result: object, flags: OutputFlags): string {
  return toJsonLine(flags.camel ? result : wireOf(result));
}

/** One record: JSON, or its fields under each other. */
export function printRecord(context: CliContext, result: object, flags: OutputFlags): void {
  const fields = Object.entries(wireOf(result)).map(([name, value]): [string, unknown] => [name, cell(value)]);
  say(context, flags.json ? jsonOf(result, flags) : renderFields(fields));
}

/** A list: JSON as given, or a table. */
export function printTable<Row>(
  context: CliContext,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty: string,
): void {
  if (rows.length === 0) {
    tell(context, empty);
    return;
  }
  const width = context.columns === undefined ? {} : { columns: context.columns };
  say(context, renderTable(rows, columns, { ...width, bold: context.style.bold }));
}

function cell(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? toJsonLine(value) : value;
}
