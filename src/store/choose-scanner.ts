import { type QuarryError, toQuarryError } from '../errors/index.js';
import type { IsaLevel } from '../native/isa-level.js';
import { createNativeScanner } from './best-scanner.js';
import { createEngineScanner } from './engine-scanner.js';
import { createFileScanner } from './file-scanner.js';
import type { RowScanner } from './row-scanner.js';

/** Distance engines by name, fastest first. */
export const DISTANCE_ENGINES = ['native', 'gpu', 'js'] as const;
export type DistanceEngineName = (typeof DISTANCE_ENGINES)[number];

export interface ScannerOptions {
  readonly engine: DistanceEngineName | 'auto';
  readonly isa?: IsaLevel | undefined;
  readonly threads?: number | undefined;
}

export interface ChosenScanner {
  readonly scanner: RowScanner;
  readonly name: DistanceEngineName;
  /** What it runs on, for people. */
  readonly detail: string;
}

/** Whether a distance engine runs here. */
export interface ScannerProbe {
  readonly name: DistanceEngineName;
  readonly available: boolean;
  readonly detail: string;
}

async function build(name: DistanceEngineName, options: Omit<ScannerOptions, 'engine'>): Promise<ChosenScanner> {
  switch (name) {
    case 'native': {
      const scanner = createNativeScanner(options);
      return { scanner, name, detail: `${scanner.name.replace('native ', '')}, rows mapped from disk` };
    }
    case 'gpu': {
      const { createGpuDistanceEngine } = await import('../engine/gpu/index.js');
      const engine = await createGpuDistanceEngine();
      return { scanner: createEngineScanner(engine), name, detail: `gpu.js ${engine.mode}: ${engine.reason}` };
    }
    default:
      return { scanner: createFileScanner(), name, detail: 'plain JavaScript' };
  }
}

/**
 * The scanner asked for, or the fastest that runs here.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the one asked for does not run here
 */
export async function chooseScanner({ engine, ...options }: ScannerOptions): Promise<ChosenScanner> {
  if (engine !== 'auto') return build(engine, options);
  for (const name of DISTANCE_ENGINES) {
    try {
      return await build(name, options);
    } catch {
      // Why it does not run is what `probeScanners` tells; here the next one is tried.
    }
  }
  return build('js', options);
}

/** Tries every distance engine by building it. */
export async function probeScanners(options: Omit<ScannerOptions, 'engine'>): Promise<ScannerProbe[]> {
  const probes: ScannerProbe[] = [];
  for (const name of DISTANCE_ENGINES) {
    try {
      const { scanner, detail } = await build(name, options);
      await scanner.close();
      probes.push({ name, available: true, detail });
    } catch (error) {
      const failure: QuarryError = toQuarryError(error, `starting the ${name} distance engine`);
      probes.push({ name, available: false, detail: failure.message });
    }
  }
  return probes;
}
