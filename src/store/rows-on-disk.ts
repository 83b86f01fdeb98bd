import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Largest number of rows of any model in a store, which need not be open; 0 if there are none. */
export function rowsOnDisk(dir: string, dim: number): number {
  const scores = join(dir, 'scores');
  try {
    const sizes = readdirSync(scores).map((model) => statSync(join(scores, model, 'f32.bin')).size);
    return Math.floor(Math.max(0, ...sizes) / (dim * 4));
  } catch {
    return 0;
  }
}
