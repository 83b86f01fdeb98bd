/** Far more than any API or file nests, and far less than overflows the stack of what walks the value or writes it again. */
const MAX_DEPTH = 1_000;

/**
 * Parses JSON that others wrote.
 *
 * @throws SyntaxError when it is no JSON, or nests more than 1,000 objects and arrays: `JSON.parse` takes any number, but
 *   `JSON.stringify` and code that recurses do not
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeeperThan(value, MAX_DEPTH)) throw new SyntaxError(`JSON nests more than ${MAX_DEPTH} deep`);
  return value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
