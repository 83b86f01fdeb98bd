/** The value below which `fraction` (0 to 1) of the values lie, in any order; undefined of none. */
export function quantile(values: readonly number[], fraction: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

/** The upper median of values in any order; NaN of none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5) ?? Number.NaN;
