import { exactJson, wireOf } from '../../../aitbc/index.js';
import { renderFields, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { say } from '../../print.js';

interface OutputFlags {
  readonly json?: boolean | undefined;
  readonly camel?: boolean | undefined;
}

export { say, tell } from '../../print.js';

/**
 * Formats a result as one JSON object: the documented wire object, or camelCase if requested; numbers in results are
 * kept as received.
 */
export function jsonOf(result: object, flags: OutputFlags): string {
  return exactJson(result, flags.camel ? result : wireOf(result));
}

/** Prints one record: JSON, or one field per line. */
export function printRecord(context: CliContext, result: object, flags: OutputFlags): void {
  const fields = Object.entries(wireOf(result)).map(([name, value]): [string, unknown] => [name, cell(value)]);
  say(context, flags.json ? jsonOf(result, flags) : renderFields(fields));
}

function cell(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? toJsonLine(value) : value;
}
