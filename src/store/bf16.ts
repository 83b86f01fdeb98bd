const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Rounds f32 values to bf16, nearest-even, as the high halves of f32. NaN stays NaN, infinities stay infinite. */
export function packBf16(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNan = (b & 0x7fffffff) > 0x7f800000;
    // Adds just under half a unit, plus one when the kept part is odd: ties go to even.
    out[i] = isNan ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** One bf16 value as a number. */
export function bf16ToNumber(value: number): number {
  scratchBits[0] = value << 16;
  return scratch[0]!;
}
