import type { Digest } from '../../soma/chain/digest.js';
import type { CheckpointPlace } from './checkpoints/checkpoint-log.js';
import type { DevnetNode } from './node.js';

/** Resolves once an executed transaction is in a checkpoint. */
export function untilCheckpointed(node: DevnetNode, digest: Digest): Promise<CheckpointPlace> {
  const { checkpoints } = node;
  const known = checkpoints.placeOf(digest);
  if (known !== undefined) return Promise.resolve(known);
  return new Promise((resolve) => {
    const stop = checkpoints.subscribe(() => {
      const place = checkpoints.placeOf(digest);
      if (place === undefined) return;
      stop();
      resolve(place);
    });
  });
}
