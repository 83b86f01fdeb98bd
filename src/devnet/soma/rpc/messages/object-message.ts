import { create } from '@bufbuild/protobuf';
import { type Object$ as ObjectMessage, ObjectSchema } from '../../../../gen/soma/rpc/object_pb.js';
import { ownerToRpc } from '../../../../soma/chain/wire/index.js';
import { digestOf, type LedgerObject } from '../../ledger/ledger-object.js';
import { encodePayload } from '../../ledger/payload.js';
import type { ReadMask } from '../read-mask.js';

/** Spelling of ids: `plain` without `0x`, as in most reads. */
export type IdSpelling = 'plain' | 'normal';

/** The requested fields of an object. */
export function objectMessage(object: LedgerObject, mask: ReadMask, spelling: IdSpelling = 'plain'): ObjectMessage {
  const message = create(ObjectSchema);
  if (mask.has('object_id')) message.objectId = spelling === 'plain' ? object.objectId.slice(2) : object.objectId;
  if (mask.has('version')) message.version = object.version;
  if (mask.has('digest')) message.digest = digestOf(object);
  if (mask.has('owner')) message.owner = ownerToRpc(object.owner, spelling);
  if (mask.has('object_type')) message.objectType = object.payload.type;
  if (mask.has('contents')) message.contents = encodePayload(object.payload);
  if (mask.has('previous_transaction')) message.previousTransaction = object.previousTransaction;
  return message;
}
