import { isJsonObject, type Json, type JsonObject } from './json.js';

/** Records as columns and rows; an undefined cell is missing, which differs from null. */
export interface FlatTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, Json | undefined>>[];
}

/** Options for column names. */
export interface FlattenOptions {
  /** Separator between a key and its child key. Default `_`. */
  readonly separator?: string | undefined;
  /** Prefix removed from column names, for example `data_`, except where names would collide. */
  readonly stripPrefix?: string | undefined;
}

/**
 * One row per record, with objects expanded one level deep to `<key>_<child>`: the rule of flocky's `pd_parse` (pandas
 * `json_normalize(d, max_level=1, sep="_")`), but integers do not become floats.
 *
 * Expanded columns follow all others of their record. Arrays and deeper objects stay values, an empty object gives no
 * column, null keeps its own column. The columns are the union over all rows, in order of first appearance.
 */
export function flatten(input: JsonObject | readonly JsonObject[], options: FlattenOptions = {}): FlatTable {
  const separator = options.separator ?? '_';
  const records = Array.isArray(input) ? (input as readonly JsonObject[]) : [input as JsonObject];
  const rows = records.map((record) => flattenRecord(record, separator));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return options.stripPrefix === undefined ? { columns, rows } : stripPrefix({ columns, rows }, options.stripPrefix);
}

/**
 * Transposes the table: one row per field, with the column `field` followed by one column per record, named by its
 * index.
 */
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
  // Null-prototype, so that a remote key named __proto__ is an ordinary column.
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
