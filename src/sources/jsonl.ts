import { QuarryError } from '../errors/index.js';
import type { DecodeOptions, SourceDocument } from './contract.js';
import { textOf } from './text-field.js';

/** A longer line is not a record of text; it ends the file with an error rather than filling memory. */
const MAX_LINE_BYTES = 64 * 2 ** 20;

/**
 * The text of every record of a JSON Lines file. Records without text are skipped.
 *
 * @throws QuarryError `DATA_INVALID` for a line that is not a JSON object, or is longer than 64 MiB
 */
export async function* readJsonLines(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
): AsyncGenerator<SourceDocument> {
  let number = 0;
  for await (const line of splitLines(name, pieces)) {
    number++;
    if (line.trim() === '') continue;
    const text = textOf(parseRecord(name, number, line), options.field);
    if (text !== undefined) yield { origin: `${name}#${number}`, pieces: once(new TextEncoder().encode(text)) };
  }
}

function parseRecord(name: string, number: number, line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new QuarryError('DATA_INVALID', `${name} is not JSON Lines: line ${number} does not parse`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return typeof value === 'string' ? { text: value } : {};
}

/** Lines of UTF-8 text, without their ends. */
export async function* splitLines(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true });
    const lines = rest.split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > MAX_LINE_BYTES) throw new QuarryError('DATA_INVALID', `${name} has a line of over 64 MiB`);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/** An iterable of one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
