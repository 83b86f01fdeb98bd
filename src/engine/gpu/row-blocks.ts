import { QuarryError } from '../../errors/index.js';
import type { EmbeddingRows } from '../contract.js';
import { type GpuJs, type GpuKernel, TILE_ROWS } from './gpu-js.js';
import { type UnitRows, unitRows } from './unit-rows.js';

/** Targets per kernel call, which bounds the size of the result read back. */
export const TARGETS_PER_CALL = 256;

/** Rows in the memory that kernels read. Usable only with the engine that created it. */
export interface ResidentRows {
  readonly rows: number;
  readonly dim: number;
  /** Device memory, bytes. */
  readonly bytes: number;
  /** Frees the device memory. */
  close(): void;
}

/** The rows of one kernel call. */
export interface Block {
  readonly first: number;
  readonly count: number;
  /** Columns of the matrix: the rows, padded with zeros to a multiple of {@link TILE_ROWS}. */
  readonly width: number;
  readonly odd: readonly number[];
  /** The kernel's argument: a device handle, or the matrix itself without device memory. */
  readonly argument: unknown;
}

class Resident implements ResidentRows {
  readonly rows: number;
  readonly dim: number;
  readonly blocks: readonly Block[];
  /** The gpu.js instance whose kernels can read the blocks. */
  readonly owner: GpuJs;

  constructor({ rows, dim }: EmbeddingRows, blocks: readonly Block[], owner: GpuJs) {
    this.owner = owner;
    this.rows = rows;
    this.dim = dim;
    this.blocks = blocks;
  }

  get bytes(): number {
    return this.blocks.reduce((sum, { width }) => sum + width * this.dim * 4, 0);
  }

  close(): void {
    for (const block of this.blocks) freeBlock(block);
  }
}

function freeBlock({ argument }: Block): void {
  const handle = argument as { delete?: () => void };
  handle.delete?.();
}

/** Dependencies of {@link BlockMaker}. */
export interface BlockMakerParts {
  readonly gpu: GpuJs;
  /** Copies a matrix to the device; absent without device memory. */
  readonly upload: GpuKernel | undefined;
  /** Maximum size of a device buffer, bytes. */
  readonly bufferBytes: number;
  /** Converts a flat matrix to gpu.js input. */
  readonly matrix: (data: Float32Array, columns: number, rows: number) => unknown;
}

/** Splits rows into blocks that fit in a device buffer, and uploads them. */
export class BlockMaker {
  readonly matrix: BlockMakerParts['matrix'];
  readonly #parts: BlockMakerParts;

  constructor(parts: BlockMakerParts) {
    this.#parts = parts;
    this.matrix = parts.matrix;
  }

  /** Yields blocks of rows. Each is freed when the next is requested, except those of resident rows. */
  async *of(rows: EmbeddingRows | ResidentRows): AsyncGenerator<Block> {
    if (rows instanceof Resident) {
      if (rows.owner !== this.#parts.gpu)
        throw new QuarryError('INVALID_ARGUMENT', 'these rows are resident on the device of another engine');
      yield* rows.blocks;
      return;
    }
    for await (const block of this.#make(rows as EmbeddingRows)) {
      try {
        yield block;
      } finally {
        freeBlock(block);
      }
    }
  }

  /** Uploads all rows, which stay until closed. */
  async resident(rows: EmbeddingRows): Promise<ResidentRows> {
    const blocks: Block[] = [];
    try {
      for await (const block of this.#make(rows)) blocks.push(block);
    } catch (error) {
      for (const block of blocks) freeBlock(block);
      throw error;
    }
    return new Resident(rows, blocks, this.#parts.gpu);
  }

  async *#make(rows: EmbeddingRows): AsyncGenerator<Block> {
    const { upload, bufferBytes } = this.#parts;
    const byRows = Math.floor(bufferBytes / (4 * rows.dim));
    const byResult = Math.floor(bufferBytes / (4 * TARGETS_PER_CALL));
    const size = Math.max(TILE_ROWS, Math.floor(Math.min(byRows, byResult) / TILE_ROWS) * TILE_ROWS);
    for (let first = 0; first < rows.rows; first += size) {
      const count = Math.min(size, rows.rows - first);
      const width = Math.ceil(count / TILE_ROWS) * TILE_ROWS;
      const { data, odd }: UnitRows = unitRows(rows, first, count, width);
      const plain = this.matrix(data, width, rows.dim);
      const argument = upload === undefined ? plain : await upload.setOutput([width, rows.dim])(plain);
      yield { first, count, width, odd, argument };
    }
  }
}
