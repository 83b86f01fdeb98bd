import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import { normaliseId, type ObjectId } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { required } from '../decode/required.js';
import { FULL_TARGET_MASK, type Target, targetFrom } from '../decode/target.js';

/**
 * Reads one target. Its status is the stored one: only listTargets reports `claimable`.
 *
 * @throws QuarryError `NOT_FOUND` when the target does not exist, or was claimed
 * @throws QuarryError `INVALID_ARGUMENT` when the id belongs to another object
 */
export async function getTarget(client: ClientContext, id: ObjectId, options: CallOptions = {}): Promise<Target> {
  const answer = await client.transport.unary(
    StateService.method.getTarget,
    { targetId: normaliseId(id), readMask: { paths: [...FULL_TARGET_MASK] } },
    controlOf(options),
  );
  return targetFrom(required(answer.target, 'target'));
}
