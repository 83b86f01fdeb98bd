import { QuarryError } from '../../errors/index.js';
import type { Codec } from './bcs/index.js';

/** An f32 tensor in the chain's representation (`protocol-config/src/tensor.rs`). */
export interface SomaTensor {
  /** Row-major values. */
  readonly values: Float32Array;
  /** Dimensions; their product is `values.length`. A vector of length n has `[n]`, a scalar `[1]`. */
  readonly shape: readonly number[];
}

/** A tensor of shape `[n]`; numbers are rounded to f32. */
export function vectorTensor(values: Float32Array | readonly number[]): SomaTensor {
  const own = new Float32Array(values);
  return { values: own, shape: [own.length] };
}

/** A tensor of shape `[1]`, the network's form of a scalar; `value` is rounded to f32. */
export function scalarTensor(value: number): SomaTensor {
  return { values: Float32Array.of(value), shape: [1] };
}

/**
 * The value of a tensor with one element.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it has more or none
 */
export function scalarValue(tensor: SomaTensor): number {
  const value = tensor.values[0];
  if (value === undefined || tensor.values.length !== 1) {
    throw new QuarryError('INVALID_ARGUMENT', `expected a tensor of one element, got ${tensor.values.length}`);
  }
  return value;
}

// Float32Array uses the host's byte order, while the chain's bytes are always little-endian.
const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function f32ToLittleEndian(values: Float32Array): Uint8Array {
  const out = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  if (!HOST_IS_LITTLE_ENDIAN) Buffer.from(out.buffer).swap32();
  return out;
}

function f32FromLittleEndian(raw: Uint8Array): Float32Array {
  // Not `slice`, which on a Buffer shares memory with its pool.
  const own = new Uint8Array(raw);
  if (!HOST_IS_LITTLE_ENDIAN) Buffer.from(own.buffer).swap32();
  return new Float32Array(own.buffer);
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** BCS of a tensor: element type (0, f32), byte string of little-endian f32, shape as u64s. */
export const tensorCodec: Codec<SomaTensor> = {
  minBytes: 3,
  write: (w, tensor) => {
    if (elementCount(tensor.shape) !== tensor.values.length) {
      throw new QuarryError(
        'INVALID_ARGUMENT',
        `a tensor of shape [${tensor.shape.join(', ')}] cannot hold ${tensor.values.length} values`,
      );
    }
    w.u8(0);
    w.bytes(f32ToLittleEndian(tensor.values));
    w.uleb128(tensor.shape.length);
    for (const dimension of tensor.shape) w.u64(BigInt(dimension));
  },
  read: (r) => {
    const dtype = r.uleb128();
    if (dtype !== 0) throw r.invalid(`tensor element type ${dtype}; only 0 (f32) is known`);
    const raw = r.bytes();
    if (raw.length % 4 !== 0) throw r.invalid(`tensor data of ${raw.length} bytes, which is not a multiple of 4`);
    const values = f32FromLittleEndian(raw);
    const rank = r.count(8);
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis++) {
      const dimension = r.u64();
      if (dimension > BigInt(values.length)) throw r.invalid(`a tensor dimension of ${dimension}`);
      shape.push(Number(dimension));
    }
    if (elementCount(shape) !== values.length) {
      throw r.invalid(`a tensor of shape [${shape.join(', ')}] with ${values.length} values`);
    }
    return { values, shape };
  },
};
