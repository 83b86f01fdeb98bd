import { QuarryError } from '../../errors/index.js';
import { type Codec, decodeBcs, encodeBcs, plainEnum, struct, u64, union, unit } from './bcs/index.js';
import { type Digest, digestCodec, typedDigest } from './digest.js';
import { type Address, idCodec, idFromBytes, idToBytes, type ObjectId } from './id.js';
import type { ObjectRef } from './object-ref.js';

/** Object types, in BCS order. */
export const OBJECT_TYPES = ['SystemState', 'Coin', 'StakedSoma', 'Target'] as const;

/** The type of an object. */
export type ObjectType = (typeof OBJECT_TYPES)[number];

/** Owner of an object. */
export type Owner =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'shared'; readonly initialSharedVersion: bigint }
  | { readonly kind: 'immutable' };

/** An object as the chain stores it. */
export interface SomaObject {
  readonly objectId: ObjectId;
  readonly version: bigint;
  readonly type: ObjectType;
  /** BCS of the type's own fields, without the object id stored before them. */
  readonly payload: Uint8Array;
  readonly owner: Owner;
  /** The transaction that wrote this version. */
  readonly previousTransaction: Digest;
}

/** BCS of {@link ObjectType}. */
export const objectTypeCodec: Codec<ObjectType> = plainEnum(OBJECT_TYPES);

/** BCS of {@link Owner}. */
export const ownerCodec: Codec<Owner> = union<Owner, 'kind'>('kind', {
  address: struct<{ readonly address: Address }>({ address: idCodec }),
  shared: struct<{ readonly initialSharedVersion: bigint }>({ initialSharedVersion: u64 }),
  immutable: unit,
});

/** BCS of an object: type, version, id and payload as one byte string, owner, previous transaction. */
export const objectCodec: Codec<SomaObject> = {
  minBytes: 1 + 8 + 33 + 1 + 33,
  write: (w, object) => {
    objectTypeCodec.write(w, object.type);
    w.u64(object.version);
    w.uleb128(32 + object.payload.length);
    w.raw(idToBytes(object.objectId));
    w.raw(object.payload);
    ownerCodec.write(w, object.owner);
    digestCodec.write(w, object.previousTransaction);
  },
  read: (r) => {
    const type = objectTypeCodec.read(r);
    const version = r.u64();
    const length = r.uleb128();
    if (length < 32) throw r.invalid(`object contents of ${length} bytes, fewer than an id`);
    const objectId = idFromBytes(r.raw(32));
    const payload = r.raw(length - 32);
    return { objectId, version, type, payload, owner: ownerCodec.read(r), previousTransaction: digestCodec.read(r) };
  },
};

/** The BCS bytes of an object. */
export function encodeObject(object: SomaObject): Uint8Array {
  return encodeBcs(objectCodec, object);
}

/**
 * The object that `bytes` encode.
 *
 * @throws QuarryError `BCS_INVALID` when the bytes are malformed
 */
export function decodeObject(bytes: Uint8Array): SomaObject {
  return decodeBcs(objectCodec, bytes, 'Object');
}

/** The object's digest: BLAKE2b-256 of `Object::` and its BCS, base58. */
export function objectDigest(object: SomaObject): Digest {
  return typedDigest('Object', encodeObject(object));
}

/** The reference that names exactly this version of the object. */
export function objectRefOf(object: SomaObject): ObjectRef {
  return { objectId: object.objectId, version: object.version, digest: objectDigest(object) };
}

/**
 * Parses the name of an object type.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it is not one; case-sensitive, as on the network
 */
export function parseObjectType(text: string): ObjectType {
  const type = OBJECT_TYPES.find((each) => each === text);
  if (type === undefined) {
    throw new QuarryError('INVALID_ARGUMENT', `"${text.slice(0, 40)}" is not an object type`, {
      hint: `use one of ${OBJECT_TYPES.join(', ')}`,
    });
  }
  return type;
}
