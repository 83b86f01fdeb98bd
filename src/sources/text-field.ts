/** Names under which datasets keep their text, most common first. */
const TEXT_FIELDS = ['text', 'content', 'code', 'body', 'instruction', 'response'] as const;

/** The text of a row: its `field`, or the first well-known field that holds some. */
export function textOf(row: Readonly<Record<string, unknown>>, field: string | undefined): string | undefined {
  for (const name of field === undefined ? TEXT_FIELDS : [field]) {
    const value = row[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** The well-known column a table keeps its text in; `undefined` when it has none, so that every row is asked. */
export function textColumn(columns: readonly string[]): string | undefined {
  return TEXT_FIELDS.find((name) => columns.includes(name));
}
