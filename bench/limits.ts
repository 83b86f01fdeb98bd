import type { NativeAddon, NativePrecision } from '../src/native/addon.js';
import type { IsaLevel } from '../src/native/isa-level.js';

/** Seconds one peak measurement takes: long enough for the clock to settle, short enough to stand beside each case. */
const PROBE_SECONDS = 0.25;

/**
 * FLOPs per second of fused multiply-adds from registers with `threads` threads: what a product could reach if it
 * moved no data. Every ratio is taken against a value measured right next to the case.
 */
export function fmaPeak(
  core: NativeAddon,
  isa: IsaLevel,
  precision: NativePrecision,
  threads: number,
): Promise<number> {
  return core.probeFma(isa, precision, threads, PROBE_SECONDS).promise;
}

/** Bytes per second of reading memory in sequence with `threads` threads, over more than any cache holds. */
export function readBandwidth(core: NativeAddon, threads: number, bytes = 512 * 2 ** 20): Promise<number> {
  return core.probeRead(threads, bytes, 5).promise;
}
