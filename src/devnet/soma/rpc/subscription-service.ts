import { create } from '@bufbuild/protobuf';
import {
  SubscribeCheckpointsResponseSchema,
  type SubscriptionService,
} from '../../../gen/soma/rpc/subscription_service_pb.js';
import type { Checkpoint } from '../checkpoints/checkpoint-log.js';
import type { DevnetNode } from '../node.js';
import type { ServiceHandlers } from './grpc-service.js';
import { checkpointMessage } from './messages/checkpoint-message.js';
import { ReadMask } from './read-mask.js';
import { RpcStatus } from './rpc-status.js';

/** Maximum concurrent subscribers. */
const MAX_SUBSCRIBERS = 1024;
/** Checkpoints that a subscriber may lag behind before its stream ends. */
const MAX_BEHIND = 256;

/**
 * The stream of new checkpoints.
 *
 * @param breaks called before each message: `end` closes the stream, `fail` breaks it with UNAVAILABLE
 */
export function subscriptionService(
  node: DevnetNode,
  breaks: () => 'end' | 'fail' | undefined,
): ServiceHandlers<typeof SubscriptionService> {
  let subscribers = 0;
  return {
    subscribeCheckpoints: async ({ readMask }, stream) => {
      if (subscribers >= MAX_SUBSCRIBERS) throw new RpcStatus('UNAVAILABLE', 'too many existing subscriptions');
      // Unknown paths are ignored here, and without a mask only the cursor is sent.
      const mask = ReadMask.parse(readMask, '', undefined);
      const queue: Checkpoint[] = [];
      let wake = () => {};
      let behind = false;
      const unsubscribe = node.checkpoints.subscribe((checkpoint) => {
        if (queue.length >= MAX_BEHIND) behind = true;
        else queue.push(checkpoint);
        wake();
      });
      const onGone = () => wake();
      stream.signal.addEventListener('abort', onGone, { once: true });
      subscribers++;
      try {
        while (!stream.signal.aborted && !behind) {
          const checkpoint = queue.shift();
          if (checkpoint === undefined) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            continue;
          }
          const broken = breaks();
          if (broken === 'end') return;
          if (broken === 'fail') throw new RpcStatus('UNAVAILABLE', 'stream terminated');
          await stream.send(
            create(SubscribeCheckpointsResponseSchema, {
              cursor: checkpoint.sequenceNumber,
              checkpoint: checkpointMessage(checkpoint, mask, node.signSummary),
            }),
          );
        }
      } finally {
        subscribers--;
        unsubscribe();
        stream.signal.removeEventListener('abort', onGone);
      }
    },
  };
}
