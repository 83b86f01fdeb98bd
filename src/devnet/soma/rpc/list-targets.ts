import { create } from '@bufbuild/protobuf';
import {
  type ListTargetsRequest,
  type ListTargetsResponse,
  ListTargetsResponseSchema,
} from '../../../gen/soma/rpc/state_service_pb.js';
import { type Target as TargetMessage, TargetSchema } from '../../../gen/soma/rpc/target_pb.js';
import type { TargetPayload } from '../../../soma/chain/target.js';
import type { TargetPosition } from '../ledger/target-index.js';
import type { DevnetNode } from '../node.js';
import { encodeMessage } from './encode-message.js';
import { targetMessage } from './messages/target-message.js';
import { decodePageToken, encodePageToken, PAGE_BYTES, pageSizeOf, targetTokenCodec } from './page-token.js';
import { ReadMask } from './read-mask.js';
import { strictAddressField } from './request-fields.js';
import { RpcStatus } from './rpc-status.js';

const STATUSES: ReadonlySet<string> = new Set(['open', 'filled', 'claimed', 'expired', 'claimable']);

function isExpired(target: TargetPayload, epoch: bigint): boolean {
  return target.status.kind === 'open' && target.generationEpoch < epoch;
}

function isClaimable(target: TargetPayload, epoch: bigint): boolean {
  return isExpired(target, epoch) || (target.status.kind === 'filled' && epoch > target.status.fillEpoch + 1n);
}

function matches(target: TargetPayload, filter: string | undefined, epoch: bigint): boolean {
  switch (filter) {
    case undefined:
      return true;
    case 'open':
      return target.status.kind === 'open' && target.generationEpoch >= epoch;
    case 'expired':
      return isExpired(target, epoch);
    case 'claimable':
      return isClaimable(target, epoch);
    default:
      return target.status.kind === filter;
  }
}

/** One page of targets. The latest checkpoint's epoch determines which are expired or claimable. */
export function listTargets(node: DevnetNode, request: ListTargetsRequest): ListTargetsResponse {
  const mask = ReadMask.parse(request.readMask, 'id,status,generation_epoch,reward_pool', TargetSchema);
  const status = request.statusFilter?.toLowerCase();
  if (status !== undefined && !STATUSES.has(status)) {
    throw RpcStatus.invalid(
      'status_filter',
      `invalid status_filter: '${request.statusFilter}'. Must be 'open', 'filled', 'claimed', 'expired', or 'claimable'`,
    );
  }
  const filter = request.submitterFilter;
  const submitter = filter === undefined ? undefined : strictAddressField(filter, 'submitter_filter');
  const token = decodePageToken(targetTokenCodec, request.pageToken);
  if (
    token !== undefined &&
    (token.status !== status || token.epoch !== request.epochFilter || token.submitter !== filter)
  ) {
    throw RpcStatus.invalid('page_token', 'page_token parameters do not match request filters');
  }
  const limit = pageSizeOf(request.pageSize, 100);
  const { epoch } = node.checkpoints.latest.summary;

  const targets: TargetMessage[] = [];
  let bytes = 0;
  let next: TargetPosition | undefined;
  for (const { objectId, target } of node.ledger.objects.targets.from(token?.next)) {
    if (!matches(target, status, epoch)) continue;
    if (request.epochFilter !== undefined && target.generationEpoch !== request.epochFilter) continue;
    if (submitter !== undefined && target.submitter !== submitter) continue;
    if (targets.length >= limit || bytes >= PAGE_BYTES) {
      next = { status: target.status.kind, generationEpoch: target.generationEpoch, objectId };
      break;
    }
    const told = isClaimable(target, epoch) ? 'claimable' : target.status.kind;
    const message = targetMessage(objectId, target, mask, told);
    bytes += encodeMessage(TargetSchema, message).length;
    targets.push(message);
  }
  return create(ListTargetsResponseSchema, {
    targets,
    ...(next !== undefined && {
      nextPageToken: encodePageToken(targetTokenCodec, {
        status,
        epoch: request.epochFilter,
        submitter: filter,
        next,
      }),
    }),
  });
}
