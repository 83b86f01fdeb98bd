/** Values of a byte. */
const BYTES = 256;

/** First-order gains of a chunk: the best byte at each position, and the positions ranked by gain. */
export interface Gains {
  /** `[positions, 256]` */
  readonly gradient: Float32Array;
  readonly bytes: Uint8Array;
  /** The byte with the largest gain at each position. */
  readonly best: Uint8Array;
  /** Gain of the best byte over the current one; 0 if the current one is best. */
  readonly gain: Float64Array;
  /** Positions by gain, largest first. */
  readonly order: readonly number[];
}

/** @param gradient `[bytes.length, 256]` */
export function gainsOf(bytes: Uint8Array, gradient: Float32Array): Gains {
  const best = new Uint8Array(bytes.length);
  const gain = new Float64Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i]!;
    for (let b = 0; b < BYTES; b++) if (gradient[i * BYTES + b]! > gradient[i * BYTES + byte]!) byte = b;
    best[i] = byte;
    gain[i] = gradient[i * BYTES + byte]! - gradient[i * BYTES + bytes[i]!]!;
  }
  const order = Array.from(bytes, (_, i) => i).sort((a, b) => gain[b]! - gain[a]!);
  return { gradient, bytes, best, gain, order };
}

/** Byte values by total gain over the positions, largest first. */
export function bytesFor({ gradient }: Gains, positions: readonly number[]): number[] {
  const sums = new Float64Array(BYTES);
  for (const i of positions) for (let b = 0; b < BYTES; b++) sums[b] = sums[b]! + gradient[i * BYTES + b]!;
  return Array.from(sums, (_, b) => b).sort((a, b) => sums[b]! - sums[a]!);
}

/** Positions by the gain of one byte value, largest first. */
export function positionsFor({ gradient, bytes }: Gains, byte: number): number[] {
  const gain = Float64Array.from(bytes, (at, i) => gradient[i * BYTES + byte]! - gradient[i * BYTES + at]!);
  return Array.from(bytes, (_, i) => i).sort((a, b) => gain[b]! - gain[a]!);
}
