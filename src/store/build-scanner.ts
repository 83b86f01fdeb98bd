import type { QuarryError } from '../errors/index.js';
import type { IsaLevel } from '../native/isa-level.js';
import { createNativeScanner } from './best-scanner.js';
import { createEngineScanner } from './engine-scanner.js';
import { createFileScanner } from './file-scanner.js';
import type { RowScanner } from './row-scanner.js';

/** Distance engines for mining, usually fastest first. */
export const DISTANCE_ENGINES = ['native', 'gpu', 'js'] as const;
/** `reference` is the oracle for the others and never chosen by `auto`. */
export type DistanceEngineName = (typeof DISTANCE_ENGINES)[number] | 'reference';

/** Which distance engine scans the store. */
export interface ScannerOptions {
  /** The engine to use; `auto` takes the fastest for the size of the store. */
  readonly engine: DistanceEngineName | 'auto';
  /** Instruction-set level of the native core. Default: the highest available. */
  readonly isa?: IsaLevel | undefined;
  /** Threads of the native core. Default: all processors available to this process. */
  readonly threads?: number | undefined;
  /** Called with the failure of a GPU, after which scans run on the CPU. */
  readonly onFallback?: ((failure: QuarryError) => void) | undefined;
}

/** The chosen distance engine, as a scanner of the store. */
export interface ChosenScanner {
  readonly scanner: RowScanner;
  readonly name: DistanceEngineName;
  /** Human-readable device. */
  readonly detail: string;
  /** Whether the GPU is a software implementation that runs on the processor. */
  readonly isSoftware?: boolean | undefined;
}

/**
 * Builds the scanner of a distance engine.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the engine is unavailable
 */
export async function buildScanner(
  name: DistanceEngineName,
  options: Omit<ScannerOptions, 'engine'>,
): Promise<ChosenScanner> {
  switch (name) {
    case 'native': {
      const scanner = createNativeScanner(options);
      return { scanner, name, detail: `${scanner.name.replace('native ', '')}, rows mapped from disk` };
    }
    case 'gpu': {
      const { createGpuDistanceEngine } = await import('../engine/gpu/index.js');
      const { ResidentScanner } = await import('./resident-scanner.js');
      const engine = await createGpuDistanceEngine();
      const where = engine.isSoftware ? ', on the CPU: never chosen automatically' : '';
      const detail = `gpu.js ${engine.mode}: ${engine.reason}${where}, rows stay on the device`;
      return { scanner: new ResidentScanner(engine), name, detail, isSoftware: engine.isSoftware };
    }
    case 'reference': {
      const { createReferenceDistanceEngine } = await import('../engine/reference/index.js');
      const scanner = createEngineScanner(createReferenceDistanceEngine());
      return { scanner, name, detail: "the protocol's formulas as loops: slow, for comparison" };
    }
    default:
      return { scanner: createFileScanner(), name, detail: 'plain JavaScript' };
  }
}
