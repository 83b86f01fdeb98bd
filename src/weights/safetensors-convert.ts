import type { TensorDtype } from './weights-file.js';

/**
 * Converts the elements of a tensor to f32 by value, as the network's loader does: F16 and BF16 exactly, everything
 * wider rounded to nearest, BOOL to 0 or 1.
 *
 * @param bytes little-endian elements; the length is a multiple of the element size
 * @returns f32, one per element. Shares memory with `bytes` when those are aligned f32 already
 */
export function tensorToF32(bytes: Uint8Array, dtype: TensorDtype): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case 'F32':
      if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      return convert(bytes, 4, (at) => view.getFloat32(at, true));
    case 'F64':
      return convert(bytes, 8, (at) => view.getFloat64(at, true));
    case 'F16':
      return convert(bytes, 2, (at) => halfToNumber(view.getUint16(at, true)));
    case 'BF16':
      return bf16ToF32(bytes, view);
    case 'I64':
      return convert(bytes, 8, (at) => roundI64(view.getBigInt64(at, true)));
    case 'U64':
      return convert(bytes, 8, (at) => roundI64(view.getBigUint64(at, true)));
    case 'I32':
      return convert(bytes, 4, (at) => view.getInt32(at, true));
    case 'U32':
      return convert(bytes, 4, (at) => view.getUint32(at, true));
    case 'I16':
      return convert(bytes, 2, (at) => view.getInt16(at, true));
    case 'I8':
      return convert(bytes, 1, (at) => view.getInt8(at));
    case 'U8':
      return Float32Array.from(bytes);
    case 'BOOL':
      return convert(bytes, 1, (at) => (view.getUint8(at) === 0 ? 0 : 1));
  }
}

function convert(bytes: Uint8Array, size: number, read: (at: number) => number): Float32Array {
  const values = new Float32Array(bytes.byteLength / size);
  for (let i = 0; i < values.length; i++) values[i] = read(i * size);
  return values;
}

function bf16ToF32(bytes: Uint8Array, view: DataView): Float32Array {
  const bits = new Uint32Array(bytes.byteLength / 2);
  for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(i * 2, true) << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * A 64-bit integer as the nearest f32, ties to even. Going through f64 would round twice; a sticky bit kept below the
 * f64 fraction prevents that.
 */
function roundI64(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  if (magnitude < 1n << 53n) return Number(value);
  const reduced = (magnitude & ~0xfffn) | (magnitude & 0xfffn ? 0x1000n : 0n);
  return value < 0n ? -Number(reduced) : Number(reduced);
}
