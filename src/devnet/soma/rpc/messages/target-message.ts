import { create } from '@bufbuild/protobuf';
import { type Target as TargetMessage, TargetSchema } from '../../../../gen/soma/rpc/target_pb.js';
import type { ObjectId } from '../../../../soma/chain/id.js';
import type { TargetPayload } from '../../../../soma/chain/target.js';
import { scalarValue } from '../../../../soma/chain/tensor.js';
import type { ReadMask } from '../read-mask.js';

/** An id as in the network's target messages: without leading zeros. */
function shortLiteral(id: ObjectId): string {
  return `0x${id.slice(2).replace(/^0+(?=.)/, '')}`;
}

/**
 * The requested fields of a target.
 *
 * @param status status to report; default the stored one
 */
export function targetMessage(
  id: ObjectId,
  target: TargetPayload,
  mask: ReadMask,
  status: string = target.status.kind,
): TargetMessage {
  const message = create(TargetSchema);
  if (mask.has('id')) message.id = shortLiteral(id);
  if (mask.has('embedding')) message.embedding = Array.from(target.embedding.values);
  if (mask.has('model_ids')) message.modelIds = target.modelIds.map(shortLiteral);
  if (mask.has('distance_threshold')) message.distanceThreshold = scalarValue(target.distanceThreshold);
  if (mask.has('reward_pool')) message.rewardPool = target.rewardPool;
  if (mask.has('generation_epoch')) message.generationEpoch = target.generationEpoch;
  if (mask.has('status')) message.status = status;
  if (mask.has('fill_epoch') && target.status.kind === 'filled') message.fillEpoch = target.status.fillEpoch;
  if (mask.has('submitter') && target.submitter !== undefined) message.submitter = target.submitter.slice(2);
  if (mask.has('winning_model_id') && target.winningModelId !== undefined) {
    message.winningModelId = shortLiteral(target.winningModelId);
  }
  if (mask.has('winning_model_owner') && target.winningModelOwner !== undefined) {
    message.winningModelOwner = target.winningModelOwner.slice(2);
  }
  if (mask.has('bond_amount')) message.bondAmount = target.bondAmount;
  if (mask.has('data_url') && target.winningDataManifest !== undefined)
    message.dataUrl = target.winningDataManifest.url;
  return message;
}
