import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { QuarryError } from '../../errors/index.js';
import { type Codec, fixedBytes, mapped } from './bcs/index.js';

/** A 32-byte object id in normal form: `0x` and 64 lowercase hexadecimal digits. */
export type ObjectId = string;

/** A 32-byte account address in the same normal form as {@link ObjectId}. */
export type Address = string;

const NORMAL_ID = /^0x[0-9a-f]{64}$/;
/** As checkpoints spell them. */
const PLAIN_ID = /^[0-9a-f]{64}$/;
const LIBERAL_ID = /^(?:0x)?([0-9a-fA-F]{1,64})$/;

/**
 * Converts an id or address to normal form: `0x` and 64 lowercase digits. Accepts every form used on the network: with
 * or without `0x`, with leading zeros stripped.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `text` is not 1 to 64 hexadecimal digits
 */
export function normaliseId(text: string): ObjectId {
  if (typeof text === 'string') {
    if (text.length === 66 && NORMAL_ID.test(text)) return text;
    if (text.length === 64 && PLAIN_ID.test(text)) return `0x${text}`;
  }
  const digits = typeof text === 'string' ? LIBERAL_ID.exec(text)?.[1] : undefined;
  if (digits === undefined) {
    throw new QuarryError('INVALID_ARGUMENT', 'an id or address must be 1 to 64 hexadecimal digits', {
      hint: 'write it as 0x followed by 64 hexadecimal digits',
      details: { length: typeof text === 'string' ? text.length : undefined },
    });
  }
  return `0x${digits.toLowerCase().padStart(64, '0')}`;
}

/** Whether `text` is accepted by {@link normaliseId}. */
export function isId(text: string): boolean {
  return LIBERAL_ID.test(text);
}

/**
 * The 32 bytes of an id or address.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `text` is not an id
 */
export function idToBytes(text: string): Uint8Array {
  return hexToBytes(normaliseId(text).slice(2));
}

/**
 * The id or address of 32 bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when there are not 32
 */
export function idFromBytes(bytes: Uint8Array): ObjectId {
  if (bytes.length !== 32) throw new QuarryError('INVALID_ARGUMENT', `an id has 32 bytes, got ${bytes.length}`);
  return `0x${bytesToHex(bytes)}`;
}

/** BCS of an id or address: 32 raw bytes without a length. */
export const idCodec: Codec<ObjectId> = mapped(fixedBytes(32), idFromBytes, idToBytes);

/** The system state object. SOMA protocol, well-known ids. */
export const SYSTEM_STATE_OBJECT_ID: ObjectId = `0x${'5'.padStart(64, '0')}`;
/** The version at which the system state became shared. */
export const SYSTEM_STATE_INITIAL_SHARED_VERSION = 1n;
/** The version at which every target becomes shared. */
export const TARGET_INITIAL_SHARED_VERSION = 1n;
/** The version of a newly created object before Lamport assignment. */
export const OBJECT_START_VERSION = 1n;
/** The id of 32 zero bytes. */
export const OBJECT_ID_ZERO: ObjectId = `0x${'0'.repeat(64)}`;
/** The id of 32 0xff bytes: the mock gas coin of a simulation without gas. */
export const OBJECT_ID_MAX: ObjectId = `0x${'f'.repeat(64)}`;
/** The highest version of a live object. */
export const VERSION_MAX = 0x7fff_ffff_ffff_ffffn;
