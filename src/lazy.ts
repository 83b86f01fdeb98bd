import type { AssembledMiner, CreateMinerOptions } from './miner/index.js';
import type { Keypair } from './soma/chain/keys/keypair.js';
import type { SomaClientDeps, SomaClientOptions, SomaClient as WholeClient } from './soma/client/soma-client.js';
import type { SignerSource } from './soma/wallet/index.js';

// Exports of the main entry, loaded on first call to keep importing Quarry fast.

/** `createMiner` of `quarry-miner/miner`, loaded on first call. */
export async function createMiner(options: CreateMinerOptions): Promise<AssembledMiner> {
  const { createMiner: create } = await import('./miner/create-miner.js');
  return create(options);
}

/** A client of a fullnode. The class itself, for `instanceof`, is exported by `quarry-miner/soma`. */
export type SomaClient = WholeClient;

/** `SomaClient.connect` of `quarry-miner/soma`, loaded on first call. */
export const SomaClient = {
  /**
   * Connects to a fullnode.
   *
   * @throws QuarryError `UNREACHABLE` when it does not answer
   * @throws QuarryError `UNKNOWN_NETWORK` when there is no network with this name
   */
  async connect(options: SomaClientOptions, deps?: SomaClientDeps): Promise<WholeClient> {
    const { SomaClient: Whole } = await import('./soma/client/soma-client.js');
    return Whole.connect(options, deps);
  },
} as const;

/** `resolveSigner` of `quarry-miner/soma`, loaded on first call. */
export async function resolveSigner(source: SignerSource): Promise<Keypair> {
  const { resolveSigner: resolve } = await import('./soma/wallet/index.js');
  return resolve(source);
}
