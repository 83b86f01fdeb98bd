import { createNativeDistanceEngine, type NativeDistanceOptions } from '../engine/native/distance.js';
import { QuarryError } from '../errors/index.js';
import { createFileScanner } from './file-scanner.js';
import type { RowScanner } from './row-scanner.js';

/**
 * The native core's scanner: maps the files and streams their bf16 rows.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or does not load here
 */
export function createNativeScanner(options: NativeDistanceOptions = {}): RowScanner {
  const engine = createNativeDistanceEngine(options);
  return {
    name: `native ${engine.isa}`,
    scan: (selection, targets, scanOptions) => engine.scanMapped(selection, targets, scanOptions),
    release: (paths) => engine.release(paths),
    close: () => engine.close(),
  };
}

/** The native core's scanner, or ordinary file reads without the native core. */
export function createBestScanner(options: NativeDistanceOptions = {}): RowScanner {
  try {
    return createNativeScanner(options);
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return createFileScanner();
    throw error;
  }
}
