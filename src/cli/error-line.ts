import type { QuarryError } from '../errors/index.js';
import { withoutPasswords } from '../net/redact.js';
import { toJsonLine } from '../text/json.js';

/** An error as the line of JSON that `--json` prints, without user and password of any URL in it. */
export function errorLine(error: QuarryError, hint: string): string {
  // String by string: across two, a URL in one and an `@` in the next would match.
  const clean = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? withoutPasswords(value) : value;
  return toJsonLine(JSON.parse(toJsonLine({ error: { ...error.toJSON(), hint } }), clean));
}
