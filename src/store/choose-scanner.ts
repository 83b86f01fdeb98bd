import { hasGpuDevice } from '../engine/gpu-device.js';
import { type QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import type { IsaLevel } from '../native/isa-level.js';
import { createBestScanner, createNativeScanner } from './best-scanner.js';
import { createEngineScanner } from './engine-scanner.js';
import { FallbackScanner } from './fallback-scanner.js';
import { createFileScanner } from './file-scanner.js';
import { faster, type MadeUp, type ScanSize, secondsOf, withRows } from './measure-scanner.js';
import { RESIDENT_BYTES } from './resident-table.js';
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

/** Whether a distance engine is available. */
export interface ScannerProbe {
  readonly name: DistanceEngineName;
  readonly available: boolean;
  readonly detail: string;
  /** Time of a scan for one target, scaled to the given size; absent if not measured. */
  readonly secondsPerTarget?: number | undefined;
  /** Whether the GPU adapter runs on the CPU. */
  readonly isSoftware?: boolean | undefined;
}

async function build(name: DistanceEngineName, options: Omit<ScannerOptions, 'engine'>): Promise<ChosenScanner> {
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

/**
 * Builds the requested scanner, or with `auto` the fastest: measures a hardware GPU against the native core at the
 * store's size. Software GPUs are used only on request.
 *
 * @param size rows and width of the store, for the measurement
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the requested engine is unavailable
 */
export async function chooseScanner({ engine, ...options }: ScannerOptions, size?: ScanSize): Promise<ChosenScanner> {
  if (engine !== 'auto') return outlivingGpu(await build(engine, options), options);
  const processor = await build('native', options).catch(() => build('js', options));
  const gpu = size === undefined || gpuObjection(size) !== undefined ? undefined : await hardwareGpu(options);
  return gpu === undefined ? processor : outlivingGpu(await faster(processor, gpu, size!), options);
}

function outlivingGpu(
  chosen: ChosenScanner,
  { onFallback, ...options }: Omit<ScannerOptions, 'engine'>,
): ChosenScanner {
  if (chosen.name !== 'gpu') return chosen;
  const scanner = new FallbackScanner(chosen.scanner, () => createBestScanner(options), onFallback ?? (() => {}));
  return { ...chosen, scanner };
}

/** Below this, a scan takes less time than a round trip to a GPU. */
const WORTH_A_GPU_ROWS = 10_000;

/** Why a GPU is not considered for a store of this size; `undefined` if it is. */
export function gpuObjection({ rows, dim }: ScanSize): string | undefined {
  if (rows < WORTH_A_GPU_ROWS) return `a GPU is considered from ${WORTH_A_GPU_ROWS} rows`;
  if (rows * dim * 4 > RESIDENT_BYTES) return `more rows than the ${RESIDENT_BYTES / 2 ** 30} GiB that stay on a GPU`;
  return undefined;
}

/** The engine that `auto` chooses among measured ones for a store of this size. */
export function autoScanner(probes: readonly ScannerProbe[], size: ScanSize): ScannerProbe | undefined {
  const running = (name: DistanceEngineName) => probes.find((probe) => probe.name === name && probe.available);
  const processor = running('native') ?? running('js');
  const gpu = running('gpu');
  if (gpu === undefined || gpu.isSoftware || gpuObjection(size) !== undefined) return processor;
  const seconds = (probe: ScannerProbe | undefined) => probe?.secondsPerTarget ?? Number.POSITIVE_INFINITY;
  return seconds(gpu) < seconds(processor) ? gpu : processor;
}

async function hardwareGpu(options: Omit<ScannerOptions, 'engine'>): Promise<ChosenScanner | undefined> {
  if (!hasGpuDevice()) return undefined;
  const gpu = await build('gpu', options).catch(() => undefined);
  if (gpu?.isSoftware !== true) return gpu;
  await gpu.scanner.close();
  return undefined;
}

/**
 * Probes every distance engine by building it.
 *
 * @param size if given, also measures each engine except software GPUs on synthetic rows, for about two seconds at most
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function probeScanners(
  options: Omit<ScannerOptions, 'engine'>,
  size?: ScanSize,
  signal?: AbortSignal,
): Promise<ScannerProbe[]> {
  if (size === undefined) return probeAll(options, undefined, signal);
  return withRows(size, (made) => probeAll(options, made, signal));
}

async function probeAll(
  options: Omit<ScannerOptions, 'engine'>,
  made: MadeUp | undefined,
  signal: AbortSignal | undefined,
): Promise<ScannerProbe[]> {
  const probes: ScannerProbe[] = [];
  for (const name of DISTANCE_ENGINES) {
    throwIfAborted(signal, 'measuring distance engines');
    try {
      const { scanner, detail, isSoftware } = await build(name, options);
      const software = isSoftware === undefined ? {} : { isSoftware };
      try {
        const measured =
          made === undefined || isSoftware ? {} : { secondsPerTarget: await secondsOf(scanner, made, signal) };
        probes.push({ name, available: true, detail, ...software, ...measured });
      } finally {
        await scanner.close();
      }
    } catch (error) {
      throwIfAborted(signal, 'measuring distance engines');
      const failure: QuarryError = toQuarryError(error, `starting the ${name} distance engine`);
      probes.push({ name, available: false, detail: failure.message });
    }
  }
  return probes;
}
