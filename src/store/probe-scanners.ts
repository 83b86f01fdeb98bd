import { type QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { buildScanner, DISTANCE_ENGINES, type DistanceEngineName, type ScannerOptions } from './build-scanner.js';
import { gpuObjection } from './choose-scanner.js';
import { type ScanSize, type SyntheticRows, secondsOf, withSyntheticRows } from './measure-scanner.js';

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

/** The engine that `auto` chooses among measured ones for a store of this size. */
export function autoScanner(probes: readonly ScannerProbe[], size: ScanSize): ScannerProbe | undefined {
  const running = (name: DistanceEngineName) => probes.find((probe) => probe.name === name && probe.available);
  const processor = running('native') ?? running('js');
  const gpu = running('gpu');
  if (gpu === undefined || gpu.isSoftware || gpuObjection(size) !== undefined) return processor;
  const seconds = (probe: ScannerProbe | undefined) => probe?.secondsPerTarget ?? Number.POSITIVE_INFINITY;
  return seconds(gpu) < seconds(processor) ? gpu : processor;
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
  return withSyntheticRows(size, (rows) => probeAll(options, rows, signal));
}

async function probeAll(
  options: Omit<ScannerOptions, 'engine'>,
  rows: SyntheticRows | undefined,
  signal: AbortSignal | undefined,
): Promise<ScannerProbe[]> {
  const probes: ScannerProbe[] = [];
  for (const name of DISTANCE_ENGINES) {
    throwIfAborted(signal, 'measuring distance engines');
    try {
      const { scanner, detail, isSoftware } = await buildScanner(name, options);
      const software = isSoftware === undefined ? {} : { isSoftware };
      try {
        const measured =
          rows === undefined || isSoftware ? {} : { secondsPerTarget: await secondsOf(scanner, rows, signal) };
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
