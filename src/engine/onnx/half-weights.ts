import { mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { v1Tensors } from '../../weights/v1-layout.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import { toHalf } from './half.js';

/** The layers' matrices in f16, one after another in a file: half the bytes of the products. */
export interface HalfWeights {
  readonly path: string;
  /** Where each matrix lies, bytes. */
  readonly tensors: ReadonlyMap<string, { readonly offset: number; readonly length: number }>;
  /** Removes a file that no cache keeps. */
  close(): Promise<void>;
}

/** Weights that f16 cannot hold, and which tensor it was. */
export interface HalfRefusal {
  readonly refused: string;
}

/** The matrices that are multiplied in f16: all of a layer's; embedding, predictor, norms and biases stay f32. */
function isHalfTensor(name: string): boolean {
  return name.startsWith('encoder.') && name.endsWith('.weight');
}

/**
 * The f16 copy of a model's matrices: kept in `cacheDir` under a name that begins with the weights' checksum, so that it
 * is deleted with them, else a temporary file. Made tensor by tensor; it appears under its name only when it is whole.
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
    else await mkdir(cacheDir, { recursive: true });
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

/** Writes the file; gives the name of a tensor that f16 cannot hold. */
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
