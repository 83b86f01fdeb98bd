import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import type { DistanceEngine, EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../contract.js';
import { assertScanArguments, rowAsF32 } from '../embedding-rows.js';
import { HitCollector } from '../hit-collector.js';
import { cosineDistance } from '../reference/competition.js';
import { dotKernel, type GpuJs, type GpuMode, loadGpuJs, uploadKernel } from './gpu-js.js';
import { type UnitRows, unitRows } from './unit-rows.js';
import { probeWebGpu, type WebGpuProbe } from './webgpu.js';

export interface GpuDistanceEngineOptions {
  /** Default `auto`: WebGPU where an adapter answers, else WebAssembly, else plain JavaScript. */
  readonly mode?: 'auto' | GpuMode | undefined;
  /** Most bytes of one device buffer. Default 128 MiB, less where the adapter allows less. */
  readonly maxBufferBytes?: number | undefined;
}

/** Rows kept where the kernels read them. Belongs to the engine that made it. */
export interface ResidentRows extends EmbeddingRows {
  /** Frees the device memory. */
  close(): void;
}

/** A distance engine on gpu.js. */
export interface GpuDistanceEngine extends DistanceEngine {
  readonly mode: GpuMode;
  /** Why this mode was chosen, as one sentence for people. */
  readonly reason: string;
  /**
   * Uploads rows once, for many scans. `data` must not change while they are in use.
   *
   * @throws QuarryError `ENGINE_FAILED` when the device refuses the memory
   */
  prepareRows(rows: EmbeddingRows): Promise<ResidentRows>;
}

/** Bytes of one device buffer unless told otherwise: WebGPU's own default for a storage binding. */
const DEFAULT_BUFFER_BYTES = 128 * 1024 * 1024;

/** Targets per kernel call: bounds the result that is read back. */
const TARGETS_PER_CALL = 64;

interface Block {
  readonly first: number;
  readonly count: number;
  readonly odd: readonly number[];
  /** What the kernel takes: a device handle, or the matrix itself where there is no device memory. */
  readonly argument: unknown;
}

class Resident implements ResidentRows {
  readonly data: EmbeddingRows['data'];
  readonly rows: number;
  readonly dim: number;
  readonly blocks: readonly Block[];
  /** The gpu.js instance whose kernels can read the blocks. */
  readonly owner: GpuJs;

  constructor(rows: EmbeddingRows, blocks: readonly Block[], owner: GpuJs) {
    this.owner = owner;
    this.data = rows.data;
    this.rows = rows.rows;
    this.dim = rows.dim;
    this.blocks = blocks;
  }

  close(): void {
    for (const block of this.blocks) freeBlock(block);
  }
}

function freeBlock({ argument }: Block): void {
  const handle = argument as { delete?: () => void };
  handle.delete?.();
}

/**
 * Starts gpu.js in the best mode that works here, or the one asked for.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the mode asked for does not work here, with the reason
 */
export async function createGpuDistanceEngine(options: GpuDistanceEngineOptions = {}): Promise<GpuDistanceEngine> {
  const wanted = options.mode ?? 'auto';
  const probe: WebGpuProbe =
    wanted === 'auto' || wanted === 'webgpu' ? await probeWebGpu() : { available: false, reason: 'not asked for' };
  if (wanted === 'webgpu' && !probe.available) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `WebGPU is not available: ${probe.reason}`, {
      hint: 'Install a graphics driver with Vulkan, or choose the mode webasm or cpu.',
    });
  }
  const mode = wanted !== 'auto' ? wanted : probe.available ? 'webgpu' : wasmMode();
  const reason =
    wanted !== 'auto'
      ? `${mode} was asked for`
      : probe.available
        ? `a WebGPU adapter answers: ${probe.adapter}`
        : `no WebGPU (${probe.reason})${mode === 'cpu' ? ', no WebAssembly' : ''}`;
  return start(mode, reason, options.maxBufferBytes ?? DEFAULT_BUFFER_BYTES, probe);
}

function wasmMode(): GpuMode {
  return 'WebAssembly' in globalThis ? 'webasm' : 'cpu';
}

async function start(mode: GpuMode, reason: string, maxBytes: number, probe: WebGpuProbe): Promise<GpuDistanceEngine> {
  const { GPU, input } = await loadGpuJs();
  const gpu = new GPU({ mode });
  const dots = dotKernel(gpu);
  const upload = mode === 'webgpu' ? uploadKernel(gpu) : undefined;
  const bufferBytes = probe.available ? Math.min(maxBytes, probe.maxBufferBytes) : maxBytes;

  // gpu.js 2.24 indexes a flat input by the output's width in its cpu mode; nested arrays have no width to get wrong.
  const matrix = (data: Float32Array, columns: number, rows: number): unknown =>
    mode === 'cpu'
      ? Array.from({ length: rows }, (_, r) => data.subarray(r * columns, (r + 1) * columns))
      : input(data, [columns, rows]);

  const makeBlock = async (rows: EmbeddingRows, first: number, count: number): Promise<Block> => {
    const { data, odd }: UnitRows = unitRows(rows, first, count);
    const plain = matrix(data, count, rows.dim);
    const argument = upload === undefined ? plain : await upload.setOutput([count, rows.dim])(plain);
    return { first, count, odd, argument };
  };

  const rowsPerBlock = (dim: number): number => {
    const byRows = Math.floor(bufferBytes / (4 * dim));
    const byResult = Math.floor(bufferBytes / (4 * TARGETS_PER_CALL));
    return Math.max(1, Math.min(byRows, byResult));
  };

  async function* blocksOf(rows: EmbeddingRows): AsyncGenerator<Block> {
    if (rows instanceof Resident && rows.owner === gpu) {
      yield* rows.blocks;
      return;
    }
    const size = rowsPerBlock(rows.dim);
    for (let first = 0; first < rows.rows; first += size) {
      const block = await makeBlock(rows, first, Math.min(size, rows.rows - first));
      try {
        yield block;
      } finally {
        freeBlock(block);
      }
    }
  }

  const scan = async (rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): Promise<Hit[]> => {
    assertScanArguments(rows, targets, options);
    const collector = new HitCollector(targets, options);
    if (rows.dim === 0) return [];
    const { dim } = rows;
    // Unit vectors: the products add up to at most 1 in magnitude, each addition rounds by half an ulp of that.
    const slack = 1e-6 + dim * 2 ** -23;
    const all = unitRows({ data: targets.data, rows: targets.targets, dim }, 0, targets.targets);
    const odd = new Set(all.odd);
    const scratch = new Float32Array(dim);
    const offer = (row: number, target: number): void => {
      const vector = targets.data.subarray(target * dim, (target + 1) * dim);
      collector.offer(row, target, cosineDistance(rowAsF32(rows, row, scratch), vector));
    };
    for await (const block of blocksOf(rows)) {
      const oddRows = new Set(block.odd);
      for (let t0 = 0; t0 < targets.targets; t0 += TARGETS_PER_CALL) {
        throwIfAborted(options.signal, 'scanning embeddings');
        const count = Math.min(TARGETS_PER_CALL, targets.targets - t0);
        const chosen = matrix(targetRows(all, t0, count, dim), dim, count);
        const result = (await dots.setOutput([block.count, count])(block.argument, chosen, dim)) as Float32Array[];
        for (let t = 0; t < count; t++) {
          const target = t0 + t;
          const cosines = result[t]!;
          for (let r = 0; r < block.count; r++) {
            const row = block.first + r;
            const limit = collector.limit(target);
            if (limit === Number.NEGATIVE_INFINITY) break;
            if (1 - cosines[r]! <= limit + slack || odd.has(target) || oddRows.has(row)) offer(row, target);
          }
        }
      }
      if (collector.done) break;
    }
    return collector.hits();
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
    scan: (rows, targets, options) =>
      scan(rows, targets, options).catch((error) => {
        throw failed(error);
      }),
    async prepareRows(rows) {
      const blocks: Block[] = [];
      try {
        const size = rowsPerBlock(rows.dim);
        for (let first = 0; first < rows.rows; first += size) {
          blocks.push(await makeBlock(rows, first, Math.min(size, rows.rows - first)));
        }
      } catch (error) {
        for (const block of blocks) freeBlock(block);
        throw failed(error);
      }
      return new Resident(rows, blocks, gpu);
    },
    async close() {
      await gpu.destroy();
    },
  };
}

/** Targets `[first, first + count)` as `[count, dim]`, from the feature-major `[dim, all]`. */
function targetRows(all: UnitRows, first: number, count: number, dim: number): Float32Array {
  const out = new Float32Array(count * dim);
  for (let t = 0; t < count; t++) {
    for (let i = 0; i < dim; i++) out[t * dim + i] = all.data[i * all.count + first + t]!;
  }
  return out;
}
