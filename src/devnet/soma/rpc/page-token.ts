import { type Codec, decodeBcs, encodeBcs, option, string, struct, u64 } from '../../../soma/chain/bcs/index.js';
import { type Address, idCodec, type ObjectId } from '../../../soma/chain/id.js';
import { type ObjectType, objectTypeCodec } from '../../../soma/chain/object.js';
import type { TargetPosition } from '../ledger/target-index.js';
import { RpcStatus } from './rpc-status.js';

/** Position of an object in an owner's listing. */
export interface OwnedPosition {
  readonly owner: Address;
  readonly type: ObjectType;
  /** Of coins, in shannons. */
  readonly balance: bigint | undefined;
  readonly objectId: ObjectId;
  readonly version: bigint;
}

/** Page token of ListOwnedObjects. */
export interface OwnedToken {
  readonly owner: Address;
  readonly type: ObjectType | undefined;
  readonly next: OwnedPosition;
}

/** Page token of ListTargets. */
export interface TargetToken {
  readonly status: string | undefined;
  readonly epoch: bigint | undefined;
  readonly submitter: string | undefined;
  readonly next: TargetPosition;
}

/** BCS of {@link OwnedToken}. */
export const ownedTokenCodec: Codec<OwnedToken> = struct<OwnedToken>({
  owner: idCodec,
  type: option(objectTypeCodec),
  next: struct<OwnedPosition>({
    owner: idCodec,
    type: objectTypeCodec,
    balance: option(u64),
    objectId: idCodec,
    version: u64,
  }),
});

/** BCS of {@link TargetToken}. */
export const targetTokenCodec: Codec<TargetToken> = struct<TargetToken>({
  status: option(string),
  epoch: option(u64),
  submitter: option(string),
  next: struct<TargetPosition>({ status: string, generationEpoch: u64, objectId: idCodec }),
});

/** Encodes a page token. */
export function encodePageToken<T>(codec: Codec<T>, token: T): Uint8Array {
  return encodeBcs(codec, token);
}

/**
 * Decodes the page token of a request; `undefined` for the first page.
 *
 * @throws RpcStatus when the bytes are not a token
 */
export function decodePageToken<T>(codec: Codec<T>, bytes: Uint8Array | undefined): T | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return decodeBcs(codec, bytes, 'page token');
  } catch {
    throw RpcStatus.invalid('page_token', 'invalid page_token');
  }
}

/** A page ends once its items exceed this size, bytes. */
export const PAGE_BYTES = 512 * 1024;

/** The effective page size: `fallback` if unspecified, limited to 1 to 1000. */
export function pageSizeOf(asked: number | undefined, fallback: number): number {
  return Math.min(Math.max(asked ?? fallback, 1), 1000);
}
