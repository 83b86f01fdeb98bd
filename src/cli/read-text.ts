import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { addAbortSignal, Writable } from 'node:stream';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { readNamedFile } from '../files/named-file.js';
import type { CliContext } from './context.js';

/** Maximum text size from standard input or a file, bytes; a transaction has at most 256 KiB. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** Resolves an argument: the text itself, the contents of `@FILE`, or standard input for `-`. */
export async function textArgument(context: CliContext, argument: string): Promise<string> {
  if (argument !== '-' && !argument.startsWith('@')) return argument.trim();
  if (argument === '@') throw new QuarryError('USAGE', '@ expects the name of a file', { hint: 'write @FILE' });
  const file = argument === '-' ? argument : resolve(argument.slice(1));
  return (await readText(context, file, MAX_TEXT_BYTES)).trim();
}

/**
 * Reads a named file as text, or standard input for `-`.
 *
 * @throws QuarryError as {@link readNamedFile} does
 */
export async function readText(context: CliContext, file: string, maxBytes?: number): Promise<string> {
  if (file === '-') return readStdin(context, maxBytes);
  return (await readNamedFile(file, { maxBytes, signal: context.signal })).toString('utf8');
}

async function readStdin({ stdin, signal }: CliContext, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of addAbortSignal(signal, stdin)) {
      const bytes = Buffer.from(part as Uint8Array);
      size += bytes.byteLength;
      if (size > maxBytes) throw new QuarryError('DATA_TOO_LARGE', `standard input has more than ${maxBytes} bytes`);
      parts.push(bytes);
    }
  } catch (error) {
    throw toQuarryError(error, 'reading standard input');
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Reads a secret: asked for without echo on a terminal, otherwise from standard input. */
export async function readSecret(context: CliContext, question: string): Promise<string> {
  if ((context.stdin as NodeJS.ReadStream).isTTY !== true) return (await readStdin(context)).trim();
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
