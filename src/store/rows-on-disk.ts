import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ScanSize } from './measure-scanner.js';
import { readModelFile } from './model-file.js';

/** Largest number of rows of any model in a store, which need not be open; 0 if there are none. */
export function rowsOnDisk(dir: string, dim: number): number {
  return Math.max(0, ...modelDirs(dir).map((model) => Math.floor(rowBytes(model) / (dim * 4))));
}

/**
 * Rows and width of the model with the most rows, in a store that need not be open.
 *
 * @returns `undefined` if there are no rows, or no model file gives the width
 */
export function scanSizeOnDisk(dir: string): ScanSize | undefined {
  let most: ScanSize | undefined;
  for (const model of modelDirs(dir)) {
    const dim = readModelFile(model)?.embeddingDim;
    if (dim === undefined) continue;
    const rows = Math.floor(rowBytes(model) / (dim * 4));
    if (rows > (most?.rows ?? 0)) most = { rows, dim };
  }
  return most;
}

function modelDirs(dir: string): string[] {
  const scores = join(dir, 'scores');
  try {
    return readdirSync(scores).map((model) => join(scores, model));
  } catch {
    return [];
  }
}

function rowBytes(modelDir: string): number {
  try {
    return statSync(join(modelDir, 'f32.bin')).size;
  } catch {
    return 0;
  }
}
