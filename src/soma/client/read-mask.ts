/** Dotted field paths in snake_case, as a list or one comma-separated string. */
export type ReadMask = readonly string[] | string;

/** The paths of a mask, trimmed and without duplicates. */
export function maskPaths(mask: ReadMask): string[] {
  const paths = typeof mask === 'string' ? mask.split(',') : mask;
  return [...new Set(paths.map((path) => path.trim()).filter((path) => path !== ''))];
}

/** Adds `needed` to a mask's paths; `*` already includes everything. */
export function maskWith(mask: ReadMask, needed: readonly string[]): string[] {
  const paths = maskPaths(mask);
  return paths.includes('*') ? paths : maskPaths([...needed, ...paths]);
}
