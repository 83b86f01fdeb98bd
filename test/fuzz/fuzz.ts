import fc from 'fast-check';
import { QuarryError } from '../../src/errors/index.js';
import type { Decoder } from './decoders.js';
import { near } from './mutations.js';

/** Gives bytes to a decoder: nothing but a value or a QuarryError may come of it. */
async function tryDecoder({ name, decode }: Decoder, bytes: Uint8Array): Promise<void> {
  try {
    await decode(bytes);
  } catch (error) {
    if (error instanceof QuarryError && error.code !== 'INTERNAL') return;
    const hex = Buffer.from(bytes.subarray(0, 2_000)).toString('base64');
    throw new Error(`${name} threw ${error instanceof Error ? error.stack : error} for ${hex}`, { cause: error });
  }
}

/** Tries a decoder with bytes near its seeds, a number of runs or as many as a time allows. */
export async function fuzz(
  decoder: Decoder,
  { runs, limitMs, seed }: { readonly runs: number; readonly limitMs?: number; readonly seed?: number | undefined },
): Promise<number> {
  let tried = 0;
  const property = fc.asyncProperty(near(decoder.seeds), async (bytes) => {
    tried++;
    await tryDecoder(decoder, bytes);
  });
  await fc.assert(property, {
    numRuns: runs,
    markInterruptAsFailure: false,
    ...(limitMs !== undefined && { interruptAfterTimeLimit: limitMs }),
    ...(seed !== undefined && { seed }),
  });
  return tried;
}
