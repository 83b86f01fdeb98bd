import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { QuarryError } from '../errors/index.js';
import type { CallOptions } from './dialects/dialect.js';
import type { Transport } from './transport.js';
import { isWire } from './wire.js';

/** Signs Ethereum personal messages for one address. */
export interface WalletSigner {
  /** `0x` and 40 hex digits. */
  readonly address: string;
  /** Returns the 65-byte r‖s‖v signature of the EIP-191 personal message, as hex. */
  signMessage(text: string): Promise<string> | string;
}

/** Session of a wallet login. */
export interface WalletLogin {
  /** JWT, valid for 24 hours by default. It cannot be refreshed; log in again. */
  readonly token: string;
  readonly userId: string | undefined;
}

/**
 * Creates a signer from a raw secp256k1 private key, 32 bytes as hex. The key stays in this process.
 *
 * @throws QuarryError `KEY_INVALID` when it is not a private key
 */
export function walletFromPrivateKey(privateKeyHex: string): WalletSigner {
  let secret: Uint8Array;
  try {
    secret = hexToBytes(privateKeyHex.trim().replace(/^0x/, ''));
    if (!secp256k1.utils.isValidSecretKey(secret)) throw new RangeError('out of range');
  } catch {
    // No cause: it would contain parts of the key.
    throw new QuarryError('KEY_INVALID', 'the wallet key is not a secp256k1 private key', {
      hint: '32 bytes as 64 hex digits, 0x optional',
    });
  }
  const publicKey = secp256k1.getPublicKey(secret, false);
  const address = `0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`;
  return {
    address,
    signMessage(text) {
      const signature = secp256k1.sign(personalMessageHash(text), secret, { prehash: false, format: 'recovered' });
      // noble puts the recovery bit first; Ethereum expects r, s, then v = 27 + bit.
      return `0x${bytesToHex(concatBytes(signature.subarray(1), Uint8Array.of(27 + signature[0]!)))}`;
    },
  };
}

/** Keccak-256 of an Ethereum personal message (EIP-191, version 0x45). */
export function personalMessageHash(text: string): Uint8Array {
  const message = utf8ToBytes(text);
  return keccak_256(concatBytes(utf8ToBytes(`\u0019Ethereum Signed Message:\n${message.length}`), message));
}

/** The text to sign at login. */
function loginMessage(address: string, nonce: string): string {
  return `Sign this message to log in to AITBC.\nWallet: ${address.toLowerCase()}\nNonce: ${nonce}`;
}

/**
 * Logs in to a JWT coordinator: nonce, signature, session token. The first login registers the address.
 *
 * @throws APIError when the coordinator refuses
 * @throws QuarryError `PROTOCOL` when the response lacks a nonce or token
 */
export async function loginWithWallet(
  transport: Transport,
  wallet: WalletSigner,
  options: CallOptions = {},
): Promise<WalletLogin> {
  const first = await transport.call({
    operation: 'auth.nonce',
    method: 'POST',
    path: '/v1/auth/nonce',
    body: { wallet_address: wallet.address },
    safe: true,
    signal: options.signal,
  });
  const nonce = field(first.json(), 'nonce');
  const signature = await wallet.signMessage(loginMessage(wallet.address, nonce));
  const second = await transport.call({
    operation: 'auth.login',
    method: 'POST',
    path: '/v1/login',
    body: { wallet_address: wallet.address, nonce, signature },
    signal: options.signal,
  });
  const answer = second.json();
  const userId = isWire(answer) ? answer['user_id'] : undefined;
  return { token: field(answer, 'session_token'), userId: typeof userId === 'string' ? userId : undefined };
}

function field(answer: unknown, name: string): string {
  const value = isWire(answer) ? answer[name] : undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new QuarryError('PROTOCOL', `the login answer has no ${name}`);
}
