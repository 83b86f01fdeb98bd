/** Maximum nesting depth. */
const MAX_DEPTH = 8;

/**
 * Copies a value with every bigint as a decimal string, as JSON numbers lose digits above 2^53. Descends into plain
 * objects and arrays only; everything else, including errors, is kept as is.
 */
export function decimalAmounts(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((each) => decimalAmounts(each, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decimalAmounts(each, depth + 1)]));
}
