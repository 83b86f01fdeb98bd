import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { QuarryError } from '../../../errors/index.js';

/** The path of a wallet's first account: purpose 44', coin type 784', all levels hardened. */
export const DEFAULT_DERIVATION_PATH = "m/44'/784'/0'/0'/0'";

const PATH = /^m\/44'\/784'\/(\d+)'\/(\d+)'\/(\d+)'$/;
const HARDENED = 0x8000_0000;

/**
 * The Ed25519 secret that SLIP-0010 derives from a seed.
 *
 * @param seed BIP-39 seed, 64 bytes
 * @param path `m/44'/784'/account'/change'/index'`
 * @returns 32 bytes
 * @throws QuarryError `KEY_INVALID` when the path is not of that form
 */
export function deriveEd25519(seed: Uint8Array, path: string = DEFAULT_DERIVATION_PATH): Uint8Array {
  const levels = PATH.exec(path);
  const indexes = [44, 784, ...(levels?.slice(1).map(Number) ?? [])];
  if (levels === null || indexes.some((index) => index >= HARDENED)) {
    throw new QuarryError('KEY_INVALID', `"${path.slice(0, 60)}" is not a derivation path of this network`, {
      hint: `use five hardened levels that begin with m/44'/784', such as ${DEFAULT_DERIVATION_PATH}`,
    });
  }
  // SLIP-0010, "Master key generation" and "Private parent key to private child key" for ed25519.
  let node = hmac(sha512, new TextEncoder().encode('ed25519 seed'), seed);
  for (const index of indexes) {
    const data = new Uint8Array(1 + 32 + 4);
    data.set(node.subarray(0, 32), 1);
    new DataView(data.buffer).setUint32(33, HARDENED + index);
    node = hmac(sha512, node.subarray(32), data);
  }
  return node.slice(0, 32);
}
