import { create } from '@bufbuild/protobuf';
import {
  GetBalanceResponseSchema,
  GetTargetResponseSchema,
  type StateService,
} from '../../../gen/soma/rpc/state_service_pb.js';
import { TargetSchema } from '../../../gen/soma/rpc/target_pb.js';
import type { DevnetNode } from '../node.js';
import type { ServiceHandlers } from './grpc-service.js';
import { listOwnedObjects } from './list-owned-objects.js';
import { listTargets } from './list-targets.js';
import { targetMessage } from './messages/target-message.js';
import { ReadMask } from './read-mask.js';
import { idField, strictAddressField } from './request-fields.js';
import { RpcStatus } from './rpc-status.js';

function removed(): never {
  throw new RpcStatus('UNIMPLEMENTED', 'Challenge system has been removed');
}

/** Reads from the node's indexes. */
export function stateService(node: DevnetNode): ServiceHandlers<typeof StateService> {
  return {
    listOwnedObjects: (request) => listOwnedObjects(node, request),
    getBalance: ({ owner }) =>
      // As of the latest checkpoint: the balance index lags behind execution.
      create(GetBalanceResponseSchema, { balance: node.checkpoints.balanceOf(strictAddressField(owner, 'owner')) }),
    getTarget: ({ targetId, readMask }) => {
      const mask = ReadMask.parse(readMask, 'id,status,generation_epoch,reward_pool,distance_threshold', TargetSchema);
      const id = idField(targetId, 'target_id');
      const object = node.visible.objects.get(id);
      if (object === undefined) throw new RpcStatus('NOT_FOUND', `Object ${id} not found`);
      if (object.payload.type !== 'Target') throw RpcStatus.invalid('target_id', `Object ${id} is not a Target`);
      return create(GetTargetResponseSchema, { target: targetMessage(id, object.payload.target, mask) });
    },
    listTargets: (request) => listTargets(node, request),
    getChallenge: removed,
    listChallenges: removed,
  };
}
