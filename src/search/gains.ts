/** Values of a byte. */
const BYTES = 256;

/** What a gradient says of a chunk: which byte is best at each position, and where that gains most. */
export interface Gains {
  /** `[positions, 256]` */
  readonly gradient: Float32Array;
  readonly bytes: Uint8Array;
  /** The byte that gains most at each position. */
  readonly best: Uint8Array;
  /** What it gains over the byte that is there; 0 where none does. */
  readonly gain: Float64Array;
  /** Positions by what they gain, most first. */
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

/** Bytes by what they gain at some positions together, most first. */
export function bytesFor({ gradient }: Gains, positions: readonly number[]): number[] {
  const sums = new Float64Array(BYTES);
  for (const i of positions) for (let b = 0; b < BYTES; b++) sums[b] = sums[b]! + gradient[i * BYTES + b]!;
  return Array.from(sums, (_, b) => b).sort((a, b) => sums[b]! - sums[a]!);
}

/** Positions by what one byte gains there, most first. */
export function positionsFor({ gradient, bytes }: Gains, byte: number): number[] {
  const gain = Float64Array.from(bytes, (at, i) => gradient[i * BYTES + byte]! - gradient[i * BYTES + at]!);
  return Array.from(bytes, (_, i) => i).sort((a, b) => gain[b]! - gain[a]!);
}
