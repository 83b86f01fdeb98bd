const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * Draws values as a row of bars, the largest at full height; empty without values. Absent or negative values are
 * lowest.
 */
export function sparkline(values: readonly number[]): string {
  const greatest = Math.max(0, ...values);
  return values
    .map((value) => {
      const level = greatest > 0 ? Math.round((Math.max(0, value) / greatest) * (LEVELS.length - 1)) : 0;
      return LEVELS[level] ?? LEVELS[0];
    })
    .join('');
}
