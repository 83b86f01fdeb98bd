import { QuarryError, toQuarryError } from '../../errors/index.js';
import type { CliContext } from '../context.js';
import { say } from '../print.js';

/** Result of a check. `warn` can still mine, but badly; `fail` cannot. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do next. */
  readonly hint?: string | undefined;
}

/** Runs a check; an exception counts as a failure. */
export async function checked(name: string, look: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    const { code, message, hint } = toQuarryError(error, `checking the ${name}`);
    if (code === 'ABORTED') throw error;
    return { name, state: 'fail', detail: message, hint };
  }
}

/** Prints a check on one line, with its hint below. */
export function sayCheck(context: CliContext, check: Check): void {
  const { green, yellow, red, dim } = context.style;
  const mark = { ok: green('yes '), warn: yellow('hm  '), fail: red('no  ') }[check.state];
  say(context, `  ${mark} ${check.name.padEnd(10)} ${check.detail}`);
  if (check.hint !== undefined) say(context, dim(`       ${''.padEnd(10)} ${check.hint}`));
}

/**
 * Throws if a check failed, so that scripts get an exit code.
 *
 * @throws QuarryError `FAILED_PRECONDITION`
 */
export function refuseFailures(checks: readonly Check[]): void {
  const failed = checks.filter(({ state }) => state === 'fail').map(({ name }) => name);
  if (failed.length === 0) return;
  throw new QuarryError('FAILED_PRECONDITION', `not ready to mine: ${failed.join(', ')}`, {
    hint: 'the lines above say what to do',
    details: { failed },
  });
}
