import { QuarryError } from '../errors/index.js';
import type { DecodeOptions, SourceDocument } from './contract.js';
import { LeftOut, type OnLeftOut } from './left-out.js';
import { splitLines } from './lines.js';
import { KNOWN_FIELDS, textOf } from './text-field.js';

/** Matches strings, to keep them, and the numbers that Python writes but JSON lacks. */
const NOT_JSON = /"[^"\\]*(?:\\[\s\S]?[^"\\]*)*(?:"|$)|-?Infinity|NaN/g;

/**
 * The text of every record of a JSON Lines file. Skips records without text and leaves out lines that are invalid or
 * longer than 64 MiB. `NaN` and `Infinity`, which Python writes, are read as null.
 *
 * @throws QuarryError `DATA_INVALID` when no line contains text
 */
export async function* readJsonLines(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<SourceDocument> {
  const leftOut = new LeftOut(onLeftOut);
  let number = 0;
  let documents = 0;
  let fields: readonly string[] | undefined;
  for await (const line of splitLines(pieces)) {
    number++;
    if (line?.trim() === '') continue;
    const record = line === undefined ? undefined : parseRecord(line);
    if (record === undefined) {
      const problem = line === undefined ? 'is longer than 64 MiB' : 'does not parse';
      leftOut.add(
        `${name}#${number}`,
        new QuarryError('DATA_INVALID', `${name} is not JSON Lines: line ${number} ${problem}`),
      );
      continue;
    }
    if (fields === undefined || fields.length === 0) fields = Object.keys(record);
    const text = textOf(record, options.field);
    if (text === undefined) continue;
    documents++;
    yield { origin: `${name}#${number}`, pieces: once(new TextEncoder().encode(text)) };
  }
  if (documents === 0 && fields !== undefined) {
    const what =
      options.field === undefined ? 'no field known to hold text' : `no text in the field "${options.field}"`;
    const there =
      fields.length === 0 ? 'its lines are not objects' : `its fields are ${fields.slice(0, 20).join(', ')}`;
    throw new QuarryError('DATA_INVALID', `${name} has ${what}; ${there}`, {
      hint: `one object a line is read; text is looked for in ${KNOWN_FIELDS.join(', ')}`,
    });
  }
  if (documents === 0 && leftOut.error !== undefined) throw leftOut.error;
  leftOut.finish();
}

function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(line) ?? parseJson(line.replace(NOT_JSON, (token) => (token[0] === '"' ? token : 'null')));
  if (value === undefined) return undefined;
  const { content } = value;
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  return typeof content === 'string' ? { text: content } : {};
}

function parseJson(text: string): { content: unknown } | undefined {
  try {
    return { content: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** An iterable of one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
