import { create } from '@bufbuild/protobuf';
import { type Object$ as ObjectMessage, ObjectSchema } from '../../../gen/soma/rpc/object_pb.js';
import {
  type ListOwnedObjectsRequest,
  type ListOwnedObjectsResponse,
  ListOwnedObjectsResponseSchema,
} from '../../../gen/soma/rpc/state_service_pb.js';
import type { Address } from '../../../soma/chain/id.js';
import { OBJECT_TYPES } from '../../../soma/chain/object.js';
import type { LedgerObject } from '../ledger/ledger-object.js';
import type { DevnetNode } from '../node.js';
import { encodeMessage } from './encode-message.js';
import { objectMessage } from './messages/object-message.js';
import {
  decodePageToken,
  encodePageToken,
  type OwnedPosition,
  ownedTokenCodec,
  PAGE_BYTES,
  pageSizeOf,
} from './page-token.js';
import { ReadMask } from './read-mask.js';
import { idField } from './request-fields.js';
import { RpcStatus } from './rpc-status.js';

function positionOf(owner: Address, { objectId, version, payload }: LedgerObject): OwnedPosition {
  const balance = payload.type === 'Coin' ? payload.balance : undefined;
  return { owner, type: payload.type, balance, objectId, version };
}

/** Orders by type, balance and id. Balances ascend: the network was meant to store them inverted, but does not. */
function comparePositions(a: OwnedPosition, b: OwnedPosition): number {
  const byType = OBJECT_TYPES.indexOf(a.type) - OBJECT_TYPES.indexOf(b.type);
  if (byType !== 0) return byType;
  const balanceA = a.balance ?? -1n;
  const balanceB = b.balance ?? -1n;
  if (balanceA !== balanceB) return balanceA < balanceB ? -1 : 1;
  return a.objectId < b.objectId ? -1 : a.objectId > b.objectId ? 1 : 0;
}

/** One page of an owner's objects. */
export function listOwnedObjects(node: DevnetNode, request: ListOwnedObjectsRequest): ListOwnedObjectsResponse {
  const owner = idField(request.owner, 'owner');
  const mask = ReadMask.parse(request.readMask, 'object_id,version,object_type', ObjectSchema);
  const type = OBJECT_TYPES.find((each) => each === request.objectType);
  if (request.objectType !== undefined && type === undefined) {
    throw RpcStatus.invalid('object_type', `invalid object_type: ${request.objectType}`);
  }
  const token = decodePageToken(ownedTokenCodec, request.pageToken);
  if (token !== undefined && (token.owner !== owner || token.type !== type)) {
    throw RpcStatus.invalid('page_token', 'page_token parameters do not match request filters');
  }
  const limit = pageSizeOf(request.pageSize, 50);

  const entries: { readonly object: LedgerObject; readonly position: OwnedPosition }[] = [];
  for (const object of node.visible.objects.ownedBy(owner)) {
    if (type !== undefined && object.payload.type !== type) continue;
    const position = positionOf(owner, object);
    if (token === undefined || comparePositions(position, token.next) >= 0) entries.push({ object, position });
  }
  entries.sort((a, b) => comparePositions(a.position, b.position));

  const objects: ObjectMessage[] = [];
  let bytes = 0;
  while (objects.length < limit && bytes < PAGE_BYTES && objects.length < entries.length) {
    const message = objectMessage(entries[objects.length]!.object, mask);
    bytes += encodeMessage(ObjectSchema, message).length;
    objects.push(message);
  }
  const next = entries[objects.length]?.position;
  return create(ListOwnedObjectsResponseSchema, {
    objects,
    ...(next !== undefined && { nextPageToken: encodePageToken(ownedTokenCodec, { owner, type, next }) }),
  });
}
