/** Time limit for a source to respond, per the SOMA protocol: 30 s plus 50 ns per byte, at most 10 min. */
export function downloadTimeoutMs(sizeBytes: bigint | number): number {
  return Math.min(30_000 + Number(sizeBytes) * 5e-5, 600_000);
}
