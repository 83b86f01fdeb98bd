import type { Digest } from '../../../soma/chain/digest.js';
import type { Address, ObjectId } from '../../../soma/chain/id.js';
import { type Owner, objectDigest, type SomaObject } from '../../../soma/chain/object.js';
import type { ObjectRef } from '../../../soma/chain/object-ref.js';
import { encodePayload, type Payload } from './payload.js';

/** One version of an object. Immutable. */
export interface LedgerObject {
  readonly objectId: ObjectId;
  readonly version: bigint;
  readonly owner: Owner;
  readonly previousTransaction: Digest;
  readonly payload: Payload;
}

// Cache only digests: keeping the payload of every version of the system state would exhaust memory in a long run.
const digests = new WeakMap<LedgerObject, Digest>();

/** Converts an object, with its payload as BCS. */
export function toSomaObject(object: LedgerObject): SomaObject {
  const { objectId, version, owner, previousTransaction, payload } = object;
  return { objectId, version, type: payload.type, payload: encodePayload(payload), owner, previousTransaction };
}

/** The object's digest, base58. */
export function digestOf(object: LedgerObject): Digest {
  let found = digests.get(object);
  if (found === undefined) {
    found = objectDigest(toSomaObject(object));
    digests.set(object, found);
  }
  return found;
}

/** The reference to exactly this version. */
export function refOf(object: LedgerObject): ObjectRef {
  return { objectId: object.objectId, version: object.version, digest: digestOf(object) };
}

/** The address that owns the object; `undefined` for shared and immutable ones. */
export function ownerAddress(object: LedgerObject): Address | undefined {
  return object.owner.kind === 'address' ? object.owner.address : undefined;
}

/** Shannons in a coin; 0 for every other object. */
export function coinBalance(object: LedgerObject): bigint {
  return object.payload.type === 'Coin' ? object.payload.balance : 0n;
}
