import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  ManifestSchema,
  ManifestV1Schema,
  MetadataSchema,
  MetadataV1Schema,
  type Manifest as RpcManifest,
} from '../../../gen/soma/rpc/manifest_pb.js';
import {
  ObjectReferenceSchema,
  ObjectSchema,
  type Object$ as RpcObject,
  type ObjectReference as RpcObjectReference,
} from '../../../gen/soma/rpc/object_pb.js';
import { Owner_OwnerKind, OwnerSchema, type Owner as RpcOwner } from '../../../gen/soma/rpc/owner_pb.js';
import { type Manifest, normaliseUrl } from '../manifest.js';
import { OBJECT_TYPES, type Owner, objectDigest, type SomaObject } from '../object.js';
import type { ObjectRef } from '../object-ref.js';
import { type IdStyle, plainId, required, requiredBytes, requiredDigest, requiredId, WireError } from './wire-error.js';

/** Converts milliseconds since the Unix epoch to a Timestamp. */
export function timestampToRpc(timestampMs: bigint): Timestamp {
  return create(TimestampSchema, {
    seconds: timestampMs / 1000n,
    nanos: Number(timestampMs % 1000n) * 1_000_000,
  });
}

/** Converts a Timestamp to milliseconds since the Unix epoch, truncated. */
export function timestampFromRpc(timestamp: Timestamp): bigint {
  return timestamp.seconds * 1000n + BigInt(Math.floor(timestamp.nanos / 1_000_000));
}

/** The message of an object reference. */
export function objectRefToRpc(ref: ObjectRef, style: IdStyle = 'normal'): RpcObjectReference {
  return create(ObjectReferenceSchema, {
    objectId: plainId(ref.objectId, style),
    version: ref.version,
    digest: ref.digest,
  });
}

/** @throws WireError when the reference or one of its fields is missing or unreadable */
export function objectRefFromRpc(message: RpcObjectReference | undefined, field: string): ObjectRef {
  const ref = required(message, field);
  return {
    objectId: requiredId(ref.objectId, `${field}.object_id`),
    version: required(ref.version, `${field}.version`),
    digest: requiredDigest(ref.digest, `${field}.digest`),
  };
}

/** Converts a manifest to its message; the URL is normalised as in the signed bytes. */
export function manifestToRpc(manifest: Manifest): RpcManifest {
  const metadata = create(MetadataSchema, {
    version: {
      case: 'v1',
      value: create(MetadataV1Schema, { checksum: manifest.checksum, size: manifest.size }),
    },
  });
  return create(ManifestSchema, {
    version: { case: 'v1', value: create(ManifestV1Schema, { url: normaliseUrl(manifest.url), metadata }) },
  });
}

/** @throws WireError when the manifest is incomplete, of another version, or its URL or checksum is malformed */
export function manifestFromRpc(message: RpcManifest | undefined, field: string): Manifest {
  const v1 = required(required(message, field).version.value, `${field}.v1`);
  const metadata = required(required(v1.metadata, `${field}.v1.metadata`).version.value, `${field}.v1.metadata.v1`);
  const url = required(v1.url, `${field}.v1.url`);
  let normalised: string;
  try {
    normalised = normaliseUrl(url);
  } catch (error) {
    throw new WireError(`${field}.v1.url`, 'FIELD_INVALID', 'is not an absolute URL', error);
  }
  return {
    url: normalised,
    checksum: requiredBytes(metadata.checksum, 32, `${field}.v1.metadata.v1.checksum`),
    size: required(metadata.size, `${field}.v1.metadata.v1.size`),
  };
}

/** The message of an owner. */
export function ownerToRpc(owner: Owner, style: IdStyle = 'normal'): RpcOwner {
  switch (owner.kind) {
    case 'address':
      return create(OwnerSchema, { kind: Owner_OwnerKind.ADDRESS, address: plainId(owner.address, style) });
    case 'shared':
      return create(OwnerSchema, { kind: Owner_OwnerKind.SHARED, version: owner.initialSharedVersion });
    case 'immutable':
      return create(OwnerSchema, { kind: Owner_OwnerKind.IMMUTABLE });
  }
}

/** @throws WireError when the owner or what its kind needs is missing or unreadable */
export function ownerFromRpc(message: RpcOwner | undefined, field: string): Owner {
  const owner = required(message, field);
  switch (owner.kind) {
    case Owner_OwnerKind.ADDRESS:
      return { kind: 'address', address: requiredId(owner.address, `${field}.address`) };
    case Owner_OwnerKind.SHARED:
      return { kind: 'shared', initialSharedVersion: required(owner.version, `${field}.version`) };
    case Owner_OwnerKind.IMMUTABLE:
      return { kind: 'immutable' };
    default:
      throw new WireError(`${field}.kind`, owner.kind === undefined ? 'FIELD_MISSING' : 'FIELD_INVALID', 'is unknown');
  }
}

/** Converts an object to its message, including its digest. */
export function objectToRpc(object: SomaObject, style: IdStyle = 'normal'): RpcObject {
  return create(ObjectSchema, {
    objectId: plainId(object.objectId, style),
    version: object.version,
    digest: objectDigest(object),
    owner: ownerToRpc(object.owner, style),
    objectType: object.type,
    contents: object.payload,
    previousTransaction: object.previousTransaction,
  });
}

/**
 * Converts a complete message to an object. Its digest is not verified.
 *
 * @throws WireError when a field is missing or unreadable
 */
export function objectFromRpc(message: RpcObject, field: string): SomaObject {
  const typeText = required(message.objectType, `${field}.object_type`);
  const type = OBJECT_TYPES.find((each) => each === typeText);
  if (type === undefined) throw new WireError(`${field}.object_type`, 'FIELD_INVALID', 'names no object type');
  return {
    objectId: requiredId(message.objectId, `${field}.object_id`),
    version: required(message.version, `${field}.version`),
    type,
    payload: required(message.contents, `${field}.contents`),
    owner: ownerFromRpc(message.owner, `${field}.owner`),
    previousTransaction: requiredDigest(message.previousTransaction, `${field}.previous_transaction`),
  };
}
