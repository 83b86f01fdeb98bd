import {
  autoScanner,
  gpuObjection,
  measuredRows,
  probeScanners,
  type ScannerOptions,
  type ScannerProbe,
  type ScanSize,
  scanSizeOnDisk,
} from '../../store/index.js';
import { formatBytes } from '../../text/index.js';
import { MODEL_CONFIGS } from '../../weights/model-config.js';

/** Without a store: the smallest size at which a GPU is considered, with V1's width. */
const DEFAULT_SIZE = { rows: 10_000, dim: MODEL_CONFIGS.v1.embeddingDim };

/** The size at which distance engines were measured, and the engine that `auto` chooses there. */
export interface ScanMeasurement extends ScanSize {
  /** The store of this size; absent for the default size. */
  readonly store?: string | undefined;
  /** Rows that were scanned; if fewer than `rows`, times are scaled up. */
  readonly measuredRows: number;
  readonly auto: string | undefined;
  /** Why a GPU is not considered at this size. */
  readonly withoutGpu?: string | undefined;
}

/** Distance engines of this machine, and their measurement if there was one. */
export interface ScanReport {
  readonly distance: readonly ScannerProbe[];
  readonly scan: ScanMeasurement | undefined;
}

/**
 * Probes the distance engines.
 *
 * @param store directory of the store at whose size they are measured, which takes seconds; without it they are not
 */
export async function scanReport(
  options: Omit<ScannerOptions, 'engine'>,
  store: string | undefined,
  signal?: AbortSignal,
): Promise<ScanReport> {
  if (store === undefined) return { distance: await probeScanners(options, undefined, signal), scan: undefined };
  const known = scanSizeOnDisk(store);
  const size = known ?? DEFAULT_SIZE;
  const distance = await probeScanners(options, size, signal);
  const withoutGpu = gpuObjection(size);
  const scan: ScanMeasurement = {
    ...size,
    ...(known !== undefined && { store }),
    measuredRows: measuredRows(size),
    auto: autoScanner(distance, size)?.name,
    ...(withoutGpu !== undefined && { withoutGpu }),
  };
  return { distance, scan };
}

/** Description of a distance engine, with its time if measured. */
export function scannerText({ detail, secondsPerTarget: seconds }: ScannerProbe): string {
  return seconds === undefined ? detail : `${detail}; ${Number((seconds * 1000).toPrecision(3))} ms a target`;
}

/** The measurement as a sentence. */
export function scanText({ rows, dim, store, measuredRows: scanned, auto, withoutGpu }: ScanMeasurement): string {
  const whose = store === undefined ? 'assumed, as there is no store with scores yet' : `the size of ${store}`;
  const scaled =
    scanned < rows ? `; measured on ${scanned} of them (${formatBytes(scanned * dim * 4)}) and scaled up` : '';
  const why = withoutGpu === undefined ? '' : `: ${withoutGpu}`;
  return `at ${rows} rows x ${dim} (${whose}${scaled}) auto chooses ${auto ?? 'none'}${why}`;
}
