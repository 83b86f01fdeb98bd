/** The model the crash test scores under. */
export const A = { architecture: 'v1', checksum: 'a'.repeat(64) };

/** The bytes of crash-test sample `n`, of varying length. */
export function sampleBytes(n: number): Uint8Array {
  return new TextEncoder().encode(`sample ${n} `.repeat(1 + (n % 50)));
}
