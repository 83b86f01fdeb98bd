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

/** An object with its digest, as returned by the node. */
export interface FetchedObject extends SomaObject {
  /** Base58. */
  readonly digest: Digest;
}

/** The parts of an object selected by a read mask. */
export type PartialObject = { readonly [K in keyof FetchedObject]?: FetchedObject[K] | undefined };

/** Fields required by {@link objectFrom}. */
export const FULL_OBJECT_MASK: readonly string[] = [
  'object_id',
  'version',
  'digest',
  'object_type',
  'owner',
  'contents',
  'previous_transaction',
];

/** Validates the name of an object type. */
function objectTypeFrom(name: string | undefined): ObjectType {
  const found = OBJECT_TYPES.find((type) => type === name);
  if (found === undefined) throw new QuarryError('PROTOCOL', `the node sent an object of unknown type "${name ?? ''}"`);
  return found;
}

/** Decodes an object read with {@link FULL_OBJECT_MASK}. */
export function objectFrom(message: Object$): FetchedObject {
  return { ...objectFromRpc(message, 'object'), digest: required(message.digest, 'object.digest') };
}

/** Decodes the fields present in an object message. */
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

/** The reference of an object or coin, without other fields. */
export function refOf({ objectId, version, digest }: ObjectRef): ObjectRef {
  return { objectId, version, digest };
}
