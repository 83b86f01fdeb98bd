/** Field paths in snake_case, joined by dots, as a list or as one comma-separated string. */
export type ReadMask = readonly string[] | string;

/** The paths of a mask, trimmed, without repetitions. */
export function maskPaths(mask: ReadMask): string[] {
  const paths = typeof mask === 'string' ? mask.split(',') : mask;
  return [...new Set(paths.map((path) => path.trim()).filter((path) => path !== ''))];
}

/** A mask with `needed` among its paths; `*` already covers everything. */
export function maskWith(mask: ReadMask, needed: readonly string[]): string[] {
  const paths = maskPaths(mask);
  return paths.includes('*') ? paths : maskPaths([...needed, ...paths]);
}
