import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { CliContext } from './context.js';

/** Maximum text size from standard input or a file, bytes; a transaction has at most 256 KiB. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** Resolves an argument: the text itself, the contents of `@FILE`, or standard input for `-`. */
export async function textArgument(context: CliContext, argument: string): Promise<string> {
  if (argument === '-') return readStdin(context);
  if (!argument.startsWith('@')) return argument.trim();
  const path = argument.slice(1);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw toQuarryError(error, `reading ${path}`);
  }
}

/** Reads standard input, trimmed. */
async function readStdin(context: CliContext): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of context.stdin) {
    const bytes = Buffer.from(part as Uint8Array);
    size += bytes.byteLength;
    if (size > MAX_TEXT_BYTES) throw new QuarryError('DATA_TOO_LARGE', 'standard input holds more than one value');
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8').trim();
}

/** Reads a secret: asked for without echo on a terminal, otherwise from standard input. */
export async function readSecret(context: CliContext, question: string): Promise<string> {
  if ((context.stdin as NodeJS.ReadStream).isTTY !== true) return readStdin(context);
  context.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: context.stdin, output: silent, terminal: true });
  try {
    return (await lines.question('', { signal: context.signal })).trim();
  } catch (error) {
    throw toQuarryError(error, 'reading the key');
  } finally {
    lines.close();
    context.stderr.write('\n');
  }
}
