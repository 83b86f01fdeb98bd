import { renderFields, terminalText, toJsonLine } from '../text/index.js';
import type { CliContext } from './context.js';

/** Flags of all commands with data on stdout. */
export interface JsonFlag {
  readonly json?: boolean | undefined;
}

/** Prints a line of data to stdout. */
export function say(context: CliContext, text: string): void {
  context.stdout.write(`${terminalText(text)}\n`);
}

/** Prints a message to stderr. */
export function tell(context: CliContext, text: string): void {
  context.stderr.write(`${terminalText(text)}\n`);
}

/** Prints a JSON value as one line to stdout. */
export function sayJson(context: CliContext, value: unknown): void {
  say(context, toJsonLine(value));
}

/** Prints one record: a JSON object with `--json`, otherwise one field per line. */
export function printRecord(
  context: CliContext,
  flags: JsonFlag,
  json: unknown,
  fields: readonly (readonly [name: string, value: unknown])[],
): void {
  if (flags.json) sayJson(context, json);
  else say(context, renderFields(fields));
}

/** Formats the examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  quarry ${line}`).join('\n')}`;
}
