import { randomBytes, randomUUID } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { Routes, ServerAnswer, ServerRequest } from '../loopback/router.js';
import type { JsonObject } from './json.js';
import { signJwt } from './jwt.js';

/** Options of {@link walletRoutes}. */
export interface WalletGateOptions {
  readonly jwtSecret: string;
  readonly now: () => number;
  /** Lifetime of a token, seconds; 24 hours on the deployed server. */
  readonly tokenSeconds: number;
}

/** Wallet login of the JWT generation: nonce, personal-message signature, HS256 token. */
export function walletRoutes(options: WalletGateOptions): Routes {
  const nonces = new Map<string, string>();
  const users = new Map<string, string>();
  const refuse = (status: number, detail: string): ServerAnswer => ({ status, json: { detail } });
  const body = (request: ServerRequest): JsonObject => JSON.parse(request.text || '{}') as JsonObject;

  return {
    'POST /v1/auth/nonce': (request) => {
      const address = String(body(request)['wallet_address'] ?? '');
      if (!/^0x[0-9a-fA-F]{40}$/.test(address)) return refuse(400, 'Invalid wallet address');
      const nonce = randomBytes(16).toString('hex');
      nonces.set(address.toLowerCase(), nonce);
      const expires = new Date(options.now() + 300_000).toISOString().replace('Z', '000');
      return { status: 200, json: { wallet_address: address, nonce, expires_at: expires } };
    },
    'POST /v1/login': (request) => {
      const { wallet_address: wallet, nonce, signature } = body(request);
      const address = String(wallet ?? '').toLowerCase();
      if (nonces.get(address) !== nonce) return refuse(401, 'Invalid or expired nonce');
      nonces.delete(address);
      if (
        signerOf(
          `Sign this message to log in to AITBC.\nWallet: ${address}\nNonce: ${String(nonce)}`,
          String(signature),
        ) !== address
      ) {
        return refuse(401, 'Invalid signature');
      }
      const userId = users.get(address) ?? randomUUID();
      users.set(address, userId);
      const iat = Math.floor(options.now() / 1000);
      const claims = {
        sub: userId,
        user_id: userId,
        role: 'client',
        type: 'access',
        iat,
        exp: iat + options.tokenSeconds,
      };
      return {
        status: 200,
        json: {
          user_id: userId,
          email: `${address.slice(2, 10)}@wallet.local`,
          username: address.slice(2, 10),
          created_at: new Date(options.now()).toISOString().replace('Z', '000'),
          session_token: signJwt(claims, options.jwtSecret),
        },
      };
    },
  };
}

/** The address that signed a personal message (r‖s‖v); undefined if the signature is invalid. */
function signerOf(message: string, signatureHex: string): string | undefined {
  try {
    const bytes = hexToBytes(signatureHex.replace(/^0x/, ''));
    const recovered = concatBytes(Uint8Array.of(bytes[64]! - 27), bytes.subarray(0, 64));
    const compressed = secp256k1.recoverPublicKey(recovered, ethereumHash(message), { prehash: false });
    const full = secp256k1.Point.fromBytes(compressed).toBytes(false);
    return `0x${bytesToHex(keccak_256(full.subarray(1)).subarray(12))}`;
  } catch {
    return undefined;
  }
}

/** Keccak-256 of an EIP-191 personal message. */
function ethereumHash(message: string): Uint8Array {
  const bytes = Buffer.from(message, 'utf8');
  return keccak_256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes]));
}
