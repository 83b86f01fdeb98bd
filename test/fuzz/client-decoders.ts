import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { GetCheckpointResponseSchema, GetEpochResponseSchema } from '../../src/gen/soma/rpc/ledger_service_pb.js';
import { ListTargetsResponseSchema } from '../../src/gen/soma/rpc/state_service_pb.js';
import { checkpointFrom } from '../../src/soma/client/decode/checkpoint.js';
import { epochFrom } from '../../src/soma/client/decode/epoch.js';
import { targetFrom } from '../../src/soma/client/decode/target.js';
import { targetChangesFrom } from '../../src/soma/client/watch/target-changes.js';
import type { ChainSeeds } from './chain-seeds.js';
import type { Decoder } from './decoder.js';
import { messageLies } from './message-lies.js';

function answer<D extends DescMessage>(
  name: string,
  method: string,
  schema: D,
  seed: Uint8Array,
  view: (message: MessageShape<D>) => unknown,
): Decoder {
  return {
    name,
    seeds: [seed],
    lies: messageLies(method, seed),
    decode: (bytes) => {
      let message: MessageShape<D>;
      try {
        message = fromBinary(schema, bytes);
      } catch {
        // Bytes that are not protobuf at all are the runtime's to refuse, and the transport's to name.
        return undefined;
      }
      return view(message);
    },
  };
}

/** A node's answers. */
export function clientDecoders({ checkpointAnswer, epochAnswer, targetsAnswer }: ChainSeeds): Decoder[] {
  return [
    answer(
      'checkpoint message',
      '/soma.rpc.LedgerService/GetCheckpoint',
      GetCheckpointResponseSchema,
      checkpointAnswer,
      ({ checkpoint }) => checkpoint && checkpointFrom(checkpoint),
    ),
    answer(
      'targets of a checkpoint message',
      '/soma.rpc.LedgerService/GetCheckpoint',
      GetCheckpointResponseSchema,
      checkpointAnswer,
      ({ checkpoint }) => checkpoint && targetChangesFrom(checkpoint, 0n, () => {}),
    ),
    answer(
      'epoch message',
      '/soma.rpc.LedgerService/GetEpoch',
      GetEpochResponseSchema,
      epochAnswer,
      ({ epoch }) => epoch && epochFrom(epoch),
    ),
    answer(
      'target message',
      '/soma.rpc.StateService/ListTargets',
      ListTargetsResponseSchema,
      targetsAnswer,
      ({ targets }) => targets.map((target) => targetFrom(target)),
    ),
  ];
}
