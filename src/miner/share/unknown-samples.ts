import { blake2b256 } from '../../native/blake2b.js';
import type { Sample } from '../../sources/index.js';
import { KnownSamples } from '../../store/index.js';

/** Filters out samples that are already in a store written by another process. */
export async function* unknownSamples(samples: AsyncIterable<Sample>, storeDir: string): AsyncGenerator<Sample> {
  const known = new KnownSamples(storeDir);
  try {
    for await (const sample of samples) if (!known.has(blake2b256(sample.bytes))) yield sample;
  } finally {
    known.close();
  }
}
