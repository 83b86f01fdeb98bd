import { closeSync, openSync } from 'node:fs';
import { QuarryError } from '../errors/index.js';
import { readFully } from '../files/read-fully.js';

/**
 * Reads consecutive rows of a file of `[rows, dim]` little-endian f32.
 *
 * @returns `[count, dim]`
 * @throws QuarryError `FILE_UNREADABLE` when the file is too short
 */
export function readRows(path: string, first: number, count: number, dim: number): Float32Array {
  const out = new Float32Array(count * dim);
  const bytes = new Uint8Array(out.buffer);
  const file = openSync(path, 'r');
  try {
    if (readFully(file, bytes, first * dim * 4) < bytes.length) {
      throw new QuarryError('FILE_UNREADABLE', `${path} is shorter than its rows`, { details: { path } });
    }
  } finally {
    closeSync(file);
  }
  return out;
}
