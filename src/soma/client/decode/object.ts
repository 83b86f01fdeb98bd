import { QuarryError } from '../../../errors/index.js';
import type { Object$ } from '../../../gen/soma/rpc/object_pb.js';
import {
  type Digest,
  OBJECT_TYPES,
  type ObjectRef,
  type ObjectType,
  objectFromRpc,
  ownerFromRpc,
  type SomaObject,
} from '../../chain/index.js';
import { optionalId, required } from './required.js';

/** An object as the node gives it: the object and its digest. */
export interface FetchedObject extends SomaObject {
  /** Base58. */
  readonly digest: Digest;
}

/** Those parts of an object that a read mask asked for. */
export type PartialObject = { readonly [K in keyof FetchedObject]?: FetchedObject[K] | undefined };

/** What {@link objectFrom} needs of an object. */
export const FULL_OBJECT_MASK: readonly string[] = [
  'object_id',
  'version',
  'digest',
  'object_type',
  'owner',
  'contents',
  'previous_transaction',
];

/** The name of an object type, checked. */
function objectTypeFrom(name: string | undefined): ObjectType {
  const found = OBJECT_TYPES.find((type) => type === name);
  if (found === undefined) throw new QuarryError('PROTOCOL', `the node sent an object of unknown type "${name ?? ''}"`);
  return found;
}

/** An object read with {@link FULL_OBJECT_MASK}. */
export function objectFrom(message: Object$): FetchedObject {
  return { ...objectFromRpc(message, 'object'), digest: required(message.digest, 'object.digest') };
}

/** Whatever fields an object message has. */
export function partialObjectFrom(message: Object$): PartialObject {
  return {
    objectId: optionalId(message.objectId, 'object_id'),
    version: message.version,
    digest: message.digest,
    type: message.objectType === undefined ? undefined : objectTypeFrom(message.objectType),
    owner: message.owner === undefined ? undefined : ownerFromRpc(message.owner, 'object.owner'),
    payload: message.contents,
    previousTransaction: message.previousTransaction,
  };
}

/** The reference of an object or coin: id, version and digest without the rest. */
export function refOf({ objectId, version, digest }: ObjectRef): ObjectRef {
  return { objectId, version, digest };
}
