import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { v1Tensors } from '../../weights/v1-layout.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import { toHalf } from './half.js';

/** A file with the layers' matrices in f16, at half their size. */
export interface HalfWeights {
  readonly path: string;
  /** Position of each matrix in the file, bytes. */
  readonly tensors: ReadonlyMap<string, { readonly offset: number; readonly length: number }>;
  /** Removes the file, unless it is in a cache. */
  close(): Promise<void>;
}

/** The tensor whose values f16 cannot represent. */
export interface HalfRefusal {
  readonly refused: string;
}

/**
 * Whether a tensor is multiplied in f16: the matrices of all layers. Embedding, predictor, norms and biases stay f32.
 */
function isHalfTensor(name: string): boolean {
  return name.startsWith('encoder.') && name.endsWith('.weight');
}

/**
 * Opens or creates the f16 copy of a model's matrices: in `cacheDir`, under a name that starts with the weights'
 * checksum so that it is pruned with them, or a temporary file. Written tensor by tensor, and renamed once complete.
 *
 * @throws QuarryError `DISK_FULL` or `FILE_UNREADABLE` when it cannot be written
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function openHalfWeights(
  weights: WeightsFile,
  config: ModelConfig,
  cacheDir: string | undefined,
  signal: AbortSignal | undefined,
): Promise<HalfWeights | HalfRefusal> {
  const tensors = new Map<string, { offset: number; length: number }>();
  let size = 0;
  for (const { name, shape } of v1Tensors(config)) {
    if (!isHalfTensor(name)) continue;
    const length = 2 * shape.reduce((product, side) => product * side, 1);
    tensors.set(name, { offset: size, length });
    size += length;
  }
  let directory: string | undefined;
  try {
    if (cacheDir === undefined) directory = await mkdtemp(path.join(tmpdir(), 'quarry-half-'));
    else makeDirectory(cacheDir);
    const identity = weights.checksum.replaceAll(/[^0-9A-Za-z]/g, '_').slice(0, 100);
    const file = path.join(directory ?? cacheDir ?? '', `${identity}-f16-${config.numLayers}.matrices`);
    const close = async (): Promise<void> => {
      if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    };
    const kept = await stat(file).catch(() => undefined);
    if (kept?.size !== size) {
      const refused = await write(weights, tensors, file, signal);
      if (refused !== undefined) {
        await close();
        return { refused: `"${refused}" has values that f16 cannot hold` };
      }
    }
    return { path: file, tensors, close };
  } catch (error) {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    throw toQuarryError(error, 'writing weights in f16');
  }
}

/** Writes the file; returns the name of a tensor that f16 cannot represent, if any. */
async function write(
  weights: WeightsFile,
  tensors: HalfWeights['tensors'],
  file: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const partial = `${file}.${process.pid}-${Math.trunc(performance.now() * 1000)}.partial`;
  const handle = await open(partial, 'w');
  let refused: string | undefined;
  let whole = false;
  try {
    for (const [name, { offset, length }] of tensors) {
      throwIfAborted(signal, 'converting weights to f16');
      const half = new Uint16Array(length / 2);
      if (!toHalf(await weights.read(name), half)) {
        refused = name;
        return refused;
      }
      await handle.write(new Uint8Array(half.buffer), 0, length, offset);
    }
    whole = true;
  } finally {
    await handle.close();
    if (!whole) await rm(partial, { force: true });
  }
  await rename(partial, file);
  return undefined;
}
