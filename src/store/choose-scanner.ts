import { hasGpuDevice } from '../engine/gpu-device.js';
import { createBestScanner } from './best-scanner.js';
import { buildScanner, type ChosenScanner, type ScannerOptions } from './build-scanner.js';
import { FallbackScanner } from './fallback-scanner.js';
import { faster, type ScanSize } from './measure-scanner.js';
import { RESIDENT_BYTES } from './resident-table.js';

/**
 * Builds the requested scanner, or with `auto` the fastest: measures a hardware GPU against the native core at the
 * store's size. Software GPUs are used only on request.
 *
 * @param size rows and width of the store, for the measurement
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the requested engine is unavailable
 */
export async function chooseScanner({ engine, ...options }: ScannerOptions, size?: ScanSize): Promise<ChosenScanner> {
  if (engine !== 'auto') return outlivingGpu(await buildScanner(engine, options), options);
  const processor = await buildScanner('native', options).catch(() => buildScanner('js', options));
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

async function hardwareGpu(options: Omit<ScannerOptions, 'engine'>): Promise<ChosenScanner | undefined> {
  if (!hasGpuDevice()) return undefined;
  const gpu = await buildScanner('gpu', options).catch(() => undefined);
  if (gpu?.isSoftware !== true) return gpu;
  await gpu.scanner.close();
  return undefined;
}
