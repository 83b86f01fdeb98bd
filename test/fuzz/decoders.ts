import { bcsDecoders } from './bcs-decoders.js';
import { chainSeeds } from './chain-seeds.js';
import { clientDecoders } from './client-decoders.js';
import type { Decoder } from './decoder.js';
import { ownFileDecoders } from './own-file-decoders.js';
import { sourceDecoders } from './source-decoders.js';
import { weightsDecoders } from './weights-decoders.js';

/** Every decoder of bytes from a network, a host or a file that others can write. */
export async function allDecoders(): Promise<Decoder[]> {
  const seeds = await chainSeeds();
  return [
    ...bcsDecoders(seeds),
    ...clientDecoders(seeds),
    ...weightsDecoders(),
    ...(await sourceDecoders()),
    ...ownFileDecoders(),
  ];
}
