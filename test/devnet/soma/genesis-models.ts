import type { GenesisModel } from '../../../src/devnet/soma/index.js';
import { manifestOf } from '../../../src/soma/chain/manifest.js';

/** Models of a genesis whose weights nobody can download, with different stakes. */
export function genesisModels(owner: string, count: number): GenesisModel[] {
  return Array.from({ length: count }, (_, n) => ({
    owner,
    manifest: manifestOf('http://127.0.0.1:1/weights', Uint8Array.of(n + 1)),
    decryptionKey: new Uint8Array(32).fill(n + 1),
    embedding: Float32Array.from({ length: 16 }, (_, axis) => Math.cos(axis * (n + 1))),
    commissionRate: 100n,
    initialStake: 1_000_000_000n * BigInt(n + 1),
  }));
}
