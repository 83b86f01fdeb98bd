/** The largest finite f16. */
export const LARGEST_HALF = 65_504;

/**
 * Rounds f32 to f16 bits, to nearest even.
 *
 * @param into as long as `values`
 * @returns whether every value is finite in f16
 */
export function toHalf(values: Float32Array, into: Uint16Array): boolean {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let finite = true;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fff_ffff;
    let half: number;
    if (magnitude >= 0x3880_0000) {
      // Normal in f16, or too large: subtract 112 from the exponent and round off 13 bits; a carry raises the exponent.
      half = (magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
      if (half >= 0x7c00) {
        finite = false;
        half = magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00;
      }
    } else if (magnitude < 0x3300_0000) {
      half = 0;
    } else {
      // Below 2^-14 the unit is 2^-24.
      const fraction = (magnitude & 0x7f_ffff) | 0x80_0000;
      const shift = 126 - (magnitude >>> 23);
      const rest = fraction & ((1 << shift) - 1);
      const middle = 1 << (shift - 1);
      half = fraction >>> shift;
      if (rest > middle || (rest === middle && (half & 1) === 1)) half++;
    }
    into[i] = sign | half;
  }
  return finite;
}
