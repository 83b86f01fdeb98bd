import { QuarryError, toQuarryError } from '../../errors/index.js';
import type { DistanceEngine, EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../contract.js';
import { assertScanArguments, rowAsF32 } from '../embedding-rows.js';
import { HitCollector } from '../hit-collector.js';
import { cosineDistance } from '../reference/competition.js';
import { dotKernel, type GpuMode, hitKernel, loadGpuJs, TILE_TARGETS, uploadKernel } from './gpu-js.js';
import type { WebGpuProbe } from './request-adapter.js';
import { BlockMaker, type ResidentRows } from './row-blocks.js';
import { assertReadable, type Kernels, type Search, searchBlocks } from './search-blocks.js';
import { probeWebGpu } from './webgpu.js';

/** Options of {@link createGpuDistanceEngine}. */
export interface GpuDistanceEngineOptions {
  /** Default `auto`: WebGPU if there is an adapter, else WebAssembly, else JavaScript. */
  readonly mode?: 'auto' | GpuMode | undefined;
  /** Maximum size of a device buffer, bytes. Default 128 MiB, or less if the adapter requires it. */
  readonly maxBufferBytes?: number | undefined;
}

/** A possible hit. */
export interface Candidate {
  readonly row: number;
  /** Within {@link distanceSlack} of the f32 distance; minus infinity if it was not computed. */
  readonly distance: number;
}

/** A distance engine on gpu.js. */
export interface GpuDistanceEngine extends DistanceEngine {
  readonly mode: GpuMode;
  /** Human-readable sentence on why this mode was chosen. */
  readonly reason: string;
  /** Whether the kernels run on the processor, also if through a GPU API. */
  readonly isSoftware: boolean;
  /**
   * Uploads rows, for use in many scans.
   *
   * @throws QuarryError `ENGINE_FAILED` when the device refuses the memory
   */
  prepareRows(rows: EmbeddingRows): Promise<ResidentRows>;
  /**
   * Finds all resident rows within each target's limit, plus a few that are slightly outside.
   *
   * @param limits largest distance per target; minus infinity skips the target
   * @returns candidates per target, in row order
   */
  candidates(
    rows: ResidentRows,
    targets: TargetMatrix,
    limits: ArrayLike<number>,
    signal?: AbortSignal,
  ): Promise<Candidate[][]>;
}

/** Default size of a device buffer: WebGPU's default limit for a storage binding. */
const DEFAULT_BUFFER_BYTES = 128 * 1024 * 1024;

/**
 * Starts gpu.js in the requested mode or the best one available.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the requested mode is unavailable, with the reason
 */
export async function createGpuDistanceEngine(options: GpuDistanceEngineOptions = {}): Promise<GpuDistanceEngine> {
  const wanted = options.mode ?? 'auto';
  const probe: WebGpuProbe =
    wanted === 'auto' || wanted === 'webgpu' ? await probeWebGpu() : { available: false, reason: 'not asked for' };
  if (wanted === 'webgpu' && !probe.available) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `WebGPU is not available: ${probe.reason}`, {
      hint: probe.cure ?? 'Install a graphics driver with Vulkan, or choose the mode webasm or cpu.',
    });
  }
  const mode = wanted !== 'auto' ? wanted : probe.available ? 'webgpu' : wasmMode();
  const reason =
    wanted !== 'auto'
      ? `${mode} was requested`
      : probe.available
        ? `a WebGPU adapter is available: ${probe.adapter}`
        : `no WebGPU (${probe.reason})${mode === 'cpu' ? ', no WebAssembly' : ''}`;
  return start(mode, reason, options.maxBufferBytes ?? DEFAULT_BUFFER_BYTES, probe);
}

function wasmMode(): GpuMode {
  return 'WebAssembly' in globalThis ? 'webasm' : 'cpu';
}

async function start(mode: GpuMode, reason: string, maxBytes: number, probe: WebGpuProbe): Promise<GpuDistanceEngine> {
  const { GPU, input } = await loadGpuJs();
  const gpu = new GPU({ mode });
  const blocks = new BlockMaker({
    gpu,
    upload: mode === 'webgpu' ? uploadKernel(gpu) : undefined,
    bufferBytes: probe.available ? Math.min(maxBytes, probe.maxBufferBytes) : maxBytes,
    // In cpu mode, gpu.js 2.24 indexes flat input by the width of the output instead; nested arrays avoid that bug.
    matrix: (data, columns, rows) =>
      mode === 'cpu'
        ? Array.from({ length: rows }, (_, r) => data.subarray(r * columns, (r + 1) * columns))
        : input(data, [columns, rows]),
  });
  const kernels: Kernels = {
    blocks,
    dots: dotKernel(gpu),
    hits: { several: hitKernel(gpu, TILE_TARGETS), one: hitKernel(gpu, 1) },
  };
  const failed = (error: unknown): QuarryError => {
    const known = toQuarryError(error, 'the distance kernel');
    if (known.code !== 'INTERNAL') return known;
    return new QuarryError('ENGINE_FAILED', known.message, { cause: error, details: { mode } });
  };
  return {
    name: `gpu.js ${mode}`,
    device: probe.available && mode === 'webgpu' ? probe.adapter : 'cpu',
    mode,
    reason,
    isSoftware: mode !== 'webgpu' || (probe.available && probe.isSoftware),
    async scan(rows, targets, options) {
      assertScanArguments(rows, targets, options);
      return scan(kernels, rows, targets, options).catch((error) => {
        throw failed(error);
      });
    },
    candidates: (rows, targets, limits, signal) =>
      candidatesOf(kernels, rows, targets, limits, signal).catch((error) => {
        throw failed(error);
      }),
    prepareRows: (rows) =>
      uploaded(kernels, rows).catch((error) => {
        throw failed(error);
      }),
    async close() {
      await gpu.destroy();
    },
  };
}

async function uploaded(kernels: Kernels, rows: EmbeddingRows): Promise<ResidentRows> {
  const resident = await kernels.blocks.resident(rows);
  try {
    for await (const block of kernels.blocks.of(resident)) await assertReadable(kernels, block, rows);
    return resident;
  } catch (error) {
    resident.close();
    throw error;
  }
}

async function scan(
  kernels: Kernels,
  rows: EmbeddingRows,
  targets: TargetMatrix,
  options: ScanOptions,
): Promise<Hit[]> {
  const { dim } = rows;
  const collector = new HitCollector(targets, options);
  const scratch = new Float32Array(dim);
  const search: Search = {
    limit: (target) => collector.limit(target),
    done: () => collector.done,
    take(target, row) {
      const vector = targets.data.subarray(target * dim, (target + 1) * dim);
      collector.offer(row, target, cosineDistance(rowAsF32(rows, row, scratch), vector));
    },
  };
  await searchBlocks(kernels, rows, targets, search, options.signal);
  return collector.hits();
}

async function candidatesOf(
  kernels: Kernels,
  rows: ResidentRows,
  targets: TargetMatrix,
  limits: ArrayLike<number>,
  signal: AbortSignal | undefined,
): Promise<Candidate[][]> {
  const found = Array.from({ length: targets.targets }, (): Candidate[] => []);
  const search: Search = {
    limit: (target) => limits[target]!,
    done: () => false,
    take: (target, row, distance) => void found[target]!.push({ row, distance }),
  };
  await searchBlocks(kernels, rows, targets, search, signal);
  return found;
}
