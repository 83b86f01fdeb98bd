/** Dot product in f64, with four partial sums to avoid a dependency between additions. */
export function dot(a: Float32Array, from: number, b: Float32Array, at: number, dim: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const even = dim & ~3;
  for (let i = 0; i < even; i += 4) {
    s0 += a[from + i]! * b[at + i]!;
    s1 += a[from + i + 1]! * b[at + i + 1]!;
    s2 += a[from + i + 2]! * b[at + i + 2]!;
    s3 += a[from + i + 3]! * b[at + i + 3]!;
  }
  for (let i = even; i < dim; i++) s0 += a[from + i]! * b[at + i]!;
  return s0 + s1 + (s2 + s3);
}
