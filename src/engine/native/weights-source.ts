import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { v1Tensors } from '../../weights/v1-layout.js';
import type { TensorDtype, TensorInfo, WeightsFile } from '../../weights/weights-file.js';

/** The core's codes of element types (`native/forward/packed_weights.h`). */
const DTYPE_NUMBERS = {
  F64: 0,
  F32: 1,
  F16: 2,
  BF16: 3,
  I64: 4,
  I32: 5,
  I16: 6,
  I8: 7,
  U64: 8,
  U32: 9,
  U8: 10,
  BOOL: 11,
} as const satisfies Record<TensorDtype, number>;

/** A file for the core to map, and the position of each tensor in it. */
export interface WeightsSource {
  readonly path: string;
  /** Triples of (dtype number, byte offset, byte length) in forward order. */
  readonly tensors: Float64Array;
  /** Removes the temporary file, if any. */
  close(): Promise<void>;
}

/**
 * Triples of (dtype number, byte offset, byte length) of a model's tensors in forward order.
 *
 * @throws QuarryError `WEIGHTS_INVALID` when a tensor is missing
 */
export function tensorPlaces(tensors: ReadonlyMap<string, TensorInfo>, config: ModelConfig): Float64Array {
  const triples = v1Tensors(config).flatMap(({ name }) => {
    const info = tensors.get(name);
    if (info === undefined) throw new QuarryError('WEIGHTS_INVALID', `weight file has no tensor "${name}"`);
    return [DTYPE_NUMBERS[info.dtype], info.byteOffset, info.byteLength];
  });
  return Float64Array.from(triples);
}

/**
 * Provides weights as a file for the core: the weight file itself, or a temporary f32 file for weights in memory.
 *
 * @throws QuarryError `WEIGHTS_INVALID` when a tensor is missing
 * @throws QuarryError `DISK_FULL` or `FILE_UNREADABLE` when the temporary file cannot be written
 */
export async function weightsSource(weights: WeightsFile, config: ModelConfig): Promise<WeightsSource> {
  const names = v1Tensors(config).map((tensor) => tensor.name);
  if (weights.path !== undefined) {
    return { path: weights.path, tensors: tensorPlaces(weights.tensors, config), close: async () => {} };
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'quarry-weights-'));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const file = path.join(directory, 'weights.f32');
    const handle = await open(file, 'w');
    const triples: number[] = [];
    try {
      let offset = 0;
      for (const name of names) {
        const data = await weights.read(name);
        await handle.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 0, data.byteLength, offset);
        triples.push(DTYPE_NUMBERS.F32, offset, data.byteLength);
        offset += data.byteLength;
      }
    } finally {
      await handle.close();
    }
    return { path: file, tensors: Float64Array.from(triples), close };
  } catch (error) {
    await close();
    throw toQuarryError(error, 'writing weights to a temporary file');
  }
}
