import { open, rm } from 'node:fs/promises';
import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { encodeSafetensors, type SafetensorsTensor, safetensorsHeader } from './safetensors-write.js';
import { elementsOf, type V1Shape, type V1Tensor, v1Tensors } from './v1-layout.js';

/**
 * Distribution of a generated model's embeddings. `isotropic`: as with random weights. `trained`: as in trained models,
 * with one common direction and about five effective dimensions, so that hits depend more on the target than on the
 * data.
 */
export type EmbeddingSpectrum = (typeof EMBEDDING_SPECTRA)[number];

export const EMBEDDING_SPECTRA = ['isotropic', 'trained'] as const;

/** Options of {@link generateWeights}. */
export interface GenerateWeightsOptions {
  /** Default `isotropic`. */
  readonly spectrum?: EmbeddingSpectrum | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every piece written. */
  readonly onProgress?: ((writtenBytes: number, totalBytes: number) => void) | undefined;
}

/** Values generated and written at a time: 4 MiB. */
const PIECE_VALUES = 1024 * 1024;

/**
 * Generates random V1 weights and streams them to a safetensors file. Deterministic: the same shape and seed give the
 * same bytes on any machine. Scales follow the usual initialisation, so that losses are near `ln 264` plus SIGReg, and
 * models with different seeds differ in loss and embedding.
 *
 * @param path file to create; removed again on failure
 * @returns size of the file, bytes
 * @throws QuarryError `ALREADY_EXISTS` when `path` exists
 * @throws QuarryError `DISK_FULL` or `FILE_UNREADABLE` when it cannot be written
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function generateWeights(
  shape: V1Shape,
  seed: bigint,
  path: string,
  options: GenerateWeightsOptions = {},
): Promise<number> {
  const tensors = v1Tensors(shape);
  const header = safetensorsHeader(tensors);
  const total = tensors.reduce((sum, tensor) => sum + 4 * elementsOf(tensor), header.byteLength);
  const file = await open(path, 'wx').catch((error) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new QuarryError('ALREADY_EXISTS', `${path} already exists`, { hint: 'Choose another name or remove it.' });
    }
    throw toQuarryError(error, `creating ${path}`);
  });
  try {
    let written = 0;
    const write = async (bytes: Uint8Array): Promise<void> => {
      throwIfAborted(options.signal, 'generating weights');
      await file.writeFile(bytes);
      written += bytes.byteLength;
      options.onProgress?.(written, total);
    };
    await write(header);
    const piece = new Float32Array(PIECE_VALUES);
    for (const [index, tensor] of tensors.entries()) {
      const values = tensorValues(tensor, shape, seed, index, options.spectrum);
      for (let left = elementsOf(tensor); left > 0; left -= PIECE_VALUES) {
        const part = piece.subarray(0, Math.min(left, PIECE_VALUES));
        values.fill(part);
        await write(new Uint8Array(part.buffer, 0, part.byteLength));
      }
    }
    await file.close();
    return total;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw toQuarryError(error, `writing ${path}`);
  }
}

/** Generates the same file as {@link generateWeights} in memory, for small models. */
export function generateWeightsBytes(shape: V1Shape, seed: bigint, spectrum?: EmbeddingSpectrum): Uint8Array {
  const tensors = v1Tensors(shape).map((tensor, index): SafetensorsTensor => {
    const data = new Float32Array(elementsOf(tensor));
    tensorValues(tensor, shape, seed, index, spectrum).fill(data);
    return { ...tensor, data };
  });
  return encodeSafetensors(tensors);
}

interface ValueStream {
  fill(values: Float32Array): void;
}

/** The values of one tensor: uniform, with mean and deviation by its role, except in a `trained` spectrum. */
function tensorValues(
  tensor: V1Tensor,
  shape: V1Shape,
  seed: bigint,
  index: number,
  spectrum: EmbeddingSpectrum = 'isotropic',
): ValueStream {
  if (spectrum === 'trained' && tensor.name === 'final_norm.gamma') return new DecayingStream();
  const { mean, deviation } = distributionOf(tensor, shape);
  const isCommon = spectrum === 'trained' && tensor.name === 'final_norm.beta';
  return new UniformStream(seed, index, mean, isCommon ? COMMON_LENGTH / Math.sqrt(shape.embeddingDim) : deviation);
}

/** Decay of the final norm's scales, which leaves about five effective dimensions. */
const SCALE_DECAY = 0.9;
/** Length of the final norm's shift, almost three times that of the variation around it. */
const COMMON_LENGTH = 5.6;

/** Yields 1, r, r^2, …: scales of a spectrum with few effective dimensions. */
class DecayingStream {
  #scale = 1;

  fill(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      values[i] = this.#scale;
      this.#scale *= SCALE_DECAY;
    }
  }
}

function distributionOf(tensor: V1Tensor, shape: V1Shape): { mean: number; deviation: number } {
  switch (tensor.role) {
    case 'embedding':
      return { mean: 0, deviation: 1 };
    case 'gamma':
      return { mean: 1, deviation: 0.1 };
    case 'beta':
    case 'bias':
      return { mean: 0, deviation: 0.1 };
    case 'weight': {
      const fanIn = tensor.shape[0]!;
      // The two projections that feed the residual stream are scaled down with depth to limit its growth.
      const intoResidual = tensor.name.endsWith('output.weight') || tensor.name.endsWith('outer.weight');
      const depth = intoResidual ? Math.sqrt(2 * Math.max(1, shape.numLayers)) : 1;
      return { mean: 0, deviation: 1 / (Math.sqrt(fanIn) * depth) };
    }
  }
}

/** Uniform values from xoshiro128** (Blackman and Vigna, public domain), 24 bits each. */
class UniformStream {
  readonly #low: number;
  readonly #scale: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: bigint, index: number, mean: number, deviation: number) {
    // A uniform distribution of width w has deviation w / sqrt(12).
    const width = deviation * Math.sqrt(12);
    this.#low = mean - width / 2;
    this.#scale = width * 2 ** -24;
    const next = splitMix(seed, index);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next();
  }

  fill(values: Float32Array): void {
    const low = this.#low;
    const scale = this.#scale;
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let i = 0; i < values.length; i++) {
      const mixed = Math.imul(b, 5);
      const word = Math.imul((mixed << 7) | (mixed >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      values[i] = low + (word >>> 8) * scale;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }
}

/** SplitMix64 (Steele, Lea and Flood) as a source of 32-bit seed words; one sequence per seed and tensor. */
function splitMix(seed: bigint, index: number): () => number {
  let state = BigInt.asUintN(64, seed * 0xd1342543de82ef95n + BigInt(index) * 0x2545f4914f6cdd1dn);
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 32n) | 0;
  };
}
