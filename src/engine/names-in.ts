import { readdirSync } from 'node:fs';

/** Sorted names in a directory; none if it cannot be read. */
export function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}
