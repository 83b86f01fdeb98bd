import fc from 'fast-check';
import { QuarryError } from '../../src/errors/index.js';
import type { Decoder } from './decoder.js';
import { near } from './mutations.js';

/** No input here is larger than a few megabytes: what takes more of this process grows with what an input claims. */
const MOST_CPU_MS = 10_000;
const MOST_GROWTH_MIB = 384;

/**
 * Gives bytes to a decoder: nothing but a value or a QuarryError may come of it, within bounds of processor time and
 * memory.
 */
async function tryDecoder({ name, decode }: Decoder, bytes: Uint8Array): Promise<void> {
  const cpu = process.cpuUsage();
  const before = peakMiB();
  const fail = (what: string, cause?: unknown): never => {
    const some = Buffer.from(bytes.subarray(0, 2_000)).toString('base64');
    throw new Error(`${name} ${what} for ${bytes.length} bytes, ${some}`, { cause });
  };
  try {
    await decode(bytes);
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code === 'INTERNAL')
      fail(`threw ${error instanceof Error ? error.stack : error}`, error);
  }
  const { user, system } = process.cpuUsage(cpu);
  if (user + system > MOST_CPU_MS * 1_000) fail(`took ${Math.round((user + system) / 1_000)} ms of processor time`);
  if (peakMiB() - before > MOST_GROWTH_MIB) fail(`took ${Math.round(peakMiB() - before)} MiB`);
}

function peakMiB(): number {
  return process.resourceUsage().maxRSS / 1_024;
}

/** Tries a decoder with bytes near its seeds and with lies, a number of runs or as many as a time allows. */
export async function fuzz(
  decoder: Decoder,
  { runs, limitMs, seed }: { readonly runs: number; readonly limitMs?: number; readonly seed: number },
): Promise<number> {
  let tried = 0;
  const property = fc.asyncProperty(fc.oneof(near(decoder.seeds), decoder.lies), async (bytes) => {
    tried++;
    await tryDecoder(decoder, bytes);
  });
  await fc.assert(property, {
    numRuns: runs,
    markInterruptAsFailure: false,
    seed,
    ...(limitMs !== undefined && { interruptAfterTimeLimit: limitMs }),
  });
  return tried;
}
