import { digestToBytes } from '../../../soma/chain/digest.js';
import { type Address, isId, normaliseId, type ObjectId } from '../../../soma/chain/id.js';
import { RpcStatus } from './rpc-status.js';

/**
 * Parses an id: `0x` optional, 1 to 64 digits.
 *
 * @throws RpcStatus when absent or malformed
 */
export function idField(text: string | undefined, field: string): ObjectId {
  if (text === undefined) throw RpcStatus.missing(field);
  if (!isId(text)) throw RpcStatus.invalid(field, `invalid ${field}: expected 1 to 64 hexadecimal digits`);
  return normaliseId(text);
}

/**
 * Parses an address where the network is stricter: `0x` and 1 to 64 digits, or exactly 64 digits.
 *
 * @throws RpcStatus when absent or malformed
 */
export function strictAddressField(text: string | undefined, field: string): Address {
  if (text === undefined) throw RpcStatus.missing(field);
  if (!/^(?:0x[0-9a-f]{1,64}|[0-9a-f]{64})$/i.test(text)) {
    throw RpcStatus.invalid(field, `invalid ${field}: expected 0x and up to 64 hexadecimal digits`);
  }
  return normaliseId(text);
}

/**
 * Parses a base58 digest.
 *
 * @throws RpcStatus when absent or malformed
 */
export function digestField(text: string | undefined, field: string): string {
  if (text === undefined) throw RpcStatus.missing(field);
  try {
    digestToBytes(text);
  } catch {
    throw RpcStatus.invalid(field, `invalid ${field}: expected base58 of 32 bytes`);
  }
  return text;
}
