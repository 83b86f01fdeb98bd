/** Common names of text fields in datasets, most common first. */
const TEXT_FIELDS = ['text', 'content', 'code', 'body', 'instruction', 'response'] as const;
/** Common names of conversation fields: lists of messages with text. */
const CHAT_FIELDS = ['messages', 'conversations', 'conversation'] as const;
/** Text fields of a message. */
const MESSAGE_FIELDS = ['content', 'text', 'value'] as const;
/** Maximum nesting depth. */
const MAX_DEPTH = 6;

/** The well-known fields, in the order they are tried. */
export const KNOWN_FIELDS: readonly string[] = [...TEXT_FIELDS, ...CHAT_FIELDS];

/** The text of a row: from `field`, or the first well-known field that has some. */
export function textOf(row: Readonly<Record<string, unknown>>, field: string | undefined): string | undefined {
  for (const name of field === undefined ? KNOWN_FIELDS : [field]) {
    const text = textIn(row[name], 0);
    if (text !== '') return text;
  }
  return undefined;
}

/**
 * The text in a value: a string; a list of texts or messages, one per line; or a record (its `content`, `text` or
 * `value`; at the top level, if it has none of these, all its strings).
 */
function textIn(value: unknown, depth: number): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return '';
  if (Array.isArray(value)) {
    return value
      .map((item) => textIn(item, depth + 1))
      .filter((text) => text !== '')
      .join('\n');
  }
  const record = value as Record<string, unknown>;
  const known = MESSAGE_FIELDS.find((name) => name in record);
  if (known !== undefined) return textIn(record[known], depth + 1);
  if (depth > 0) return '';
  return Object.values(record)
    .filter((item): item is string => typeof item === 'string' && item !== '')
    .join('\n');
}
