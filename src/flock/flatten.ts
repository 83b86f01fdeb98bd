import { isJsonObject, type Json, type JsonObject } from './json.js';

/** Records as columns and rows; a missing cell is undefined, which is not the same as null. */
export interface FlatTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, Json | undefined>>[];
}

/** How {@link flatten} names columns. */
export interface FlattenOptions {
  /** Between a key and its child. Default `_`. */
  readonly separator?: string | undefined;
  /** Prefix removed from column names that start with it, for example `data_`. A column that would collide keeps it. */
  readonly stripPrefix?: string | undefined;
}

/**
 * One row per record with objects one level deep expanded to `<key>_<child>`: the rule of flocky's `pd_parse`
 * (pandas `json_normalize(d, max_level=1, sep="_")`), without its change of integers to floats.
 *
 * Expanded columns come after all others of their record, arrays and deeper objects stay values, an empty object gives
 * no column, null keeps its own column, and the columns are the union over the rows in order of first appearance.
 */
export function flatten(input: JsonObject | readonly JsonObject[], options: FlattenOptions = {}): FlatTable {
  const separator = options.separator ?? '_';
  const records = Array.isArray(input) ? (input as readonly JsonObject[]) : [input as JsonObject];
  const rows = records.map((record) => flattenRecord(record, separator));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return options.stripPrefix === undefined ? { columns, rows } : stripPrefix({ columns, rows }, options.stripPrefix);
}

/** The table turned over: one row per field, `field` first and then one column per record, named by its index. */
export function transpose(table: FlatTable): FlatTable {
  const names = table.rows.map((_row, index) => String(index));
  return {
    columns: ['field', ...names],
    rows: table.columns.map((column) => {
      const row: Record<string, Json | undefined> = { field: column };
      for (const [index, record] of table.rows.entries()) row[String(index)] = record[column];
      return row;
    }),
  };
}

function flattenRecord(record: JsonObject, separator: string): Record<string, Json | undefined> {
  const plain: [string, Json | undefined][] = [];
  const expanded: [string, Json | undefined][] = [];
  for (const [key, value] of Object.entries(record)) {
    if (value === undefined) continue;
    if (isJsonObject(value)) {
      for (const [child, inner] of Object.entries(value)) {
        if (inner !== undefined) expanded.push([`${key}${separator}${child}`, inner]);
      }
    } else plain.push([key, value]);
  }
  // Null-prototype: a remote key named __proto__ is a column like any other.
  const row: Record<string, Json | undefined> = Object.create(null);
  for (const [key, value] of [...plain, ...expanded]) row[key] = value;
  return row;
}

function stripPrefix(table: FlatTable, prefix: string): FlatTable {
  const taken = new Set(table.columns);
  const renamed = new Map(
    table.columns.map((column) => {
      const short = column.startsWith(prefix) ? column.slice(prefix.length) : column;
      return [column, short !== '' && !taken.has(short) ? short : column];
    }),
  );
  return {
    columns: table.columns.map((column) => renamed.get(column) ?? column),
    rows: table.rows.map((row) => {
      const out: Record<string, Json | undefined> = Object.create(null);
      for (const [key, value] of Object.entries(row)) out[renamed.get(key) ?? key] = value;
      return out;
    }),
  };
}
