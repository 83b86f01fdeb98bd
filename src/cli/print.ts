import { renderFields, terminalText, toJsonLine } from '../text/index.js';
import type { CliContext } from './context.js';

/** Flags every command with data on stdout has. */
export interface JsonFlag {
  readonly json?: boolean | undefined;
}

/** A line of data, on stdout. */
export function say(context: CliContext, text: string): void {
  context.stdout.write(`${terminalText(text)}\n`);
}

/** A line of talk, on stderr. */
export function tell(context: CliContext, text: string): void {
  context.stderr.write(`${terminalText(text)}\n`);
}

/** One JSON value as a line on stdout. */
export function sayJson(context: CliContext, value: unknown): void {
  say(context, toJsonLine(value));
}

/** One record: a JSON object with `--json`, else its fields under each other. */
export function printRecord(
  context: CliContext,
  flags: JsonFlag,
  json: unknown,
  fields: readonly (readonly [name: string, value: unknown])[],
): void {
  if (flags.json) sayJson(context, json);
  else say(context, renderFields(fields));
}

/** The examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  quarry ${line}`).join('\n')}`;
}
