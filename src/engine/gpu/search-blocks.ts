import { QuarryError, throwIfAborted } from '../../errors/index.js';
import type { EmbeddingRows, TargetMatrix } from '../contract.js';
import { type GpuKernel, TILE_ROWS, TILE_TARGETS } from './gpu-js.js';
import { type Block, type BlockMaker, type ResidentRows, TARGETS_PER_CALL } from './row-blocks.js';
import { type UnitRows, unitRows } from './unit-rows.js';

/** Compiled kernels and the row blocks they read. */
export interface Kernels {
  readonly blocks: BlockMaker;
  /** One dot product per thread. */
  readonly dots: GpuKernel;
  /** Possible hits as bit masks: a tile of rows and several targets, or one target, per thread. */
  readonly hits: { readonly several: GpuKernel; readonly one: GpuKernel };
}

/** Callbacks of a search over blocks. */
export interface Search {
  /** Largest distance that still matters for a target; minus infinity if none does. */
  limit(target: number): number;
  /** @param distance within {@link distanceSlack} of the f32 one; minus infinity if it was not computed */
  take(target: number, row: number, distance: number): void;
  /** Whether no further block can change the result. */
  done(): boolean;
}

/** With more possible hits per block than this, a target's distances are computed to narrow them down. */
const FEW = 64;
/** Minimum dot product that no two unit vectors reach. */
const NEVER = 4;

/**
 * Largest difference between a kernel's distance and the f32 one. For unit vectors the partial sums are at most 1 in
 * magnitude, and each addition rounds by half an ulp of that.
 */
export function distanceSlack(dim: number): number {
  return 1e-6 + dim * 2 ** -23;
}

/** Finds all possible hits, block by block, with up to {@link TARGETS_PER_CALL} targets per kernel call. */
export async function searchBlocks(
  kernels: Kernels,
  rows: EmbeddingRows | ResidentRows,
  targets: TargetMatrix,
  search: Search,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { dim } = rows;
  if (dim === 0) return;
  const units = unitRows({ data: targets.data, rows: targets.targets, dim }, 0, targets.targets);
  const unclear = new Set(units.odd);
  for await (const block of kernels.blocks.of(rows)) {
    for (let first = 0; first < targets.targets; first += TARGETS_PER_CALL) {
      throwIfAborted(signal, 'scanning embeddings');
      const call: Call = { kernels, block, units, dim, search };
      const last = Math.min(first + TARGETS_PER_CALL, targets.targets);
      const open: number[] = [];
      for (let target = first; target < last; target++) {
        if (unclear.has(target)) takeAll(call, target);
        else if (search.limit(target) > Number.NEGATIVE_INFINITY) open.push(target);
      }
      await takeByTile(call, open);
    }
    if (search.done()) return;
  }
}

/** A block to be compared with targets. */
interface Call {
  readonly kernels: Kernels;
  readonly block: Block;
  /** All targets, scaled to unit length. */
  readonly units: UnitRows;
  readonly dim: number;
  readonly search: Search;
}

function takeAll({ block, search }: Call, target: number): void {
  for (let r = 0; r < block.count; r++) search.take(target, block.first + r, Number.NEGATIVE_INFINITY);
}

async function takeByDistance({ kernels, block, units, dim, search }: Call, targets: readonly number[]): Promise<void> {
  if (targets.length === 0) return;
  const { blocks, dots } = kernels;
  const slack = distanceSlack(dim);
  const odd = new Set(block.odd);
  const chosen = new Float32Array(targets.length * dim);
  for (const [t, target] of targets.entries()) {
    for (let i = 0; i < dim; i++) chosen[t * dim + i] = units.data[i * units.width + target]!;
  }
  const matrix = blocks.matrix(chosen, dim, targets.length);
  const result = (await dots.setOutput([block.count, targets.length])(block.argument, matrix, dim)) as Float32Array[];
  for (const [t, target] of targets.entries()) {
    const cosines = result[t]!;
    for (let r = 0; r < block.count; r++) {
      const row = block.first + r;
      const limit = search.limit(target);
      if (limit === Number.NEGATIVE_INFINITY) break;
      const distance = 1 - cosines[r]!;
      if (odd.has(row)) search.take(target, row, Number.NEGATIVE_INFINITY);
      else if (distance <= limit + slack) search.take(target, row, distance);
    }
  }
}

async function takeByTile(call: Call, targets: readonly number[]): Promise<void> {
  if (targets.length === 0) return;
  const { block, search } = call;
  const near = await rowsNear(call, targets);
  const many: number[] = [];
  for (const [t, target] of targets.entries()) {
    const found = near[t]!;
    if (found.length > FEW) {
      many.push(target);
      continue;
    }
    const rows = new Set([...found.map((r) => block.first + r), ...block.odd]);
    for (const row of [...rows].sort((a, b) => a - b)) search.take(target, row, Number.NEGATIVE_INFINITY);
  }
  await takeByDistance(call, many);
}

/** Possible hits of each target, as indices in the block; once there are more than {@link FEW}, the rest is left out. */
async function rowsNear(
  { kernels, block, units, dim, search }: Call,
  targets: readonly number[],
): Promise<readonly number[][]> {
  const tile = targets.length === 1 ? 1 : TILE_TARGETS;
  const hits = tile === 1 ? kernels.hits.one : kernels.hits.several;
  const groups = Math.ceil(targets.length / tile);
  const width = groups * tile;
  const chosen = new Float32Array(width * dim);
  const least = new Float32Array(width).fill(NEVER);
  const slack = distanceSlack(dim);
  for (const [t, target] of targets.entries()) {
    for (let i = 0; i < dim; i++) chosen[i * width + t] = units.data[i * units.width + target]!;
    // Lowered so that rounding to f32 cannot raise it.
    const value = 1 - search.limit(target) - slack - 2 ** -22;
    if (!Number.isNaN(value)) least[t] = Math.max(-NEVER, Math.min(value, NEVER));
  }
  const step = block.width / TILE_ROWS;
  const matrix = kernels.blocks.matrix(chosen, width, dim);
  const masks = (await hits.setOutput([step, groups])(block.argument, matrix, least, dim)) as Float32Array[];
  const near = targets.map((): number[] => []);
  for (const [group, line] of masks.entries()) {
    for (let x = 0; x < step; x++) {
      for (let mask = line[x]!, bit = 0; mask > 0; mask >>= 1, bit++) {
        if ((mask & 1) === 0) continue;
        const row = x + Math.floor(bit / tile) * step;
        const found = near[group * tile + (bit % tile)]!;
        if (row < block.count && found.length <= FEW) found.push(row);
      }
    }
  }
  return near;
}

/**
 * Checks that kernels can read a block by looking for its last row in it. Without device memory an upload does not fail:
 * it is dropped, and every scan would find nothing.
 *
 * @throws QuarryError `ENGINE_FAILED` if they cannot
 */
export async function assertReadable({ hits, blocks }: Kernels, block: Block, rows: EmbeddingRows): Promise<void> {
  for (let r = block.count - 1; r >= 0; r--) {
    const { data, odd } = unitRows(rows, block.first + r, 1);
    if (odd.length > 0 || data.every((value) => value === 0)) continue;
    const step = block.width / TILE_ROWS;
    const least = Float32Array.of(1 - distanceSlack(rows.dim));
    const target = blocks.matrix(data, 1, rows.dim);
    const [mask] = (await hits.one.setOutput([step, 1])(block.argument, target, least, rows.dim)) as Float32Array[];
    if ((mask![r % step]! >> Math.floor(r / step)) & 1) return;
    throw new QuarryError('ENGINE_FAILED', 'the device did not keep the rows', {
      hint: 'Its memory may be full: choose --distance-engine native.',
    });
  }
}
