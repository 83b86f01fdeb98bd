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
