import { join } from 'node:path';
import { type DevnetOptions, type SpawnedDevnet, spawnDevnet } from '../src/devnet/soma/index.js';
import { normalArray } from '../src/engine/reference/index.js';
import { HttpHost } from '../src/hosting/index.js';
import { blake2b256, cryptWeights, Keypair, manifestOf } from '../src/soma/chain/index.js';
import { SomaClient } from '../src/soma/client/soma-client.js';
import { type EmbeddingSpectrum, generateWeightsBytes } from '../src/weights/generate.js';
import { MODEL_CONFIGS } from '../src/weights/model-config.js';

/**
 * Shape of the models that race: the network's small one with a context of 64 bytes instead of 1,024, so that a hundred
 * thousand samples can be scored for real in a minute or two.
 */
export const RACE_CONFIG = { ...MODEL_CONFIGS.small, sequenceLength: 64 } as const;
/** What each key starts with: enough bonds for any run. */
const FUNDED_SHANNONS = 100_000_000_000n;

/** Three small models, hosted; the same weights every time, so that rows scored once serve every network. */
export interface RaceModels {
  readonly genesis: NonNullable<DevnetOptions['models']>;
  close(): Promise<void>;
}

/** Makes the models and hosts them in this process, below `dir`. */
export async function hostRaceModels(dir: string, spectrum?: EmbeddingSpectrum): Promise<RaceModels> {
  const host = await HttpHost.listen({ dir: join(dir, 'models'), port: 0 });
  const owner = Keypair.generate().address;
  const genesis = await Promise.all(
    [1n, 2n, 3n].map(async (seed) => {
      const decryptionKey = new Uint8Array(32).fill(Number(seed));
      const encrypted = cryptWeights(generateWeightsBytes(RACE_CONFIG, seed, spectrum), decryptionKey);
      const url = await host.publish(Buffer.from(blake2b256(encrypted)).toString('hex'), encrypted);
      const embedding = normalArray(seed + 100n, RACE_CONFIG.embeddingDim);
      const manifest = manifestOf(url, encrypted);
      return { owner, manifest, decryptionKey, embedding, commissionRate: 0n, initialStake: 1_000_000_000n };
    }),
  );
  return { genesis, close: () => host.close() };
}

/**
 * A network in a process of its own, which spawns a target for every one that is filled, with funded keys. Nothing is
 * audited, so that audits do not compete for the processor; what the players submit is honest all the same.
 */
export async function startRaceNetwork(
  models: RaceModels,
  keys: readonly Keypair[],
  options: DevnetOptions = {},
): Promise<SpawnedDevnet> {
  const devnet = await spawnDevnet({
    ...options,
    models: models.genesis,
    accounts: keys.map(({ address }) => ({ address, coins: [FUNDED_SHANNONS] })),
    // An epoch's budget for targets is divided by this: enough for any run.
    hitsPerEpoch: options.hitsPerEpoch ?? 100_000,
    auditShare: 0,
    // The network's own pace.
    checkpointIntervalMs: options.checkpointIntervalMs ?? 200,
  });
  // The genesis epoch spends its budget on its first targets; from the next on it lasts for `hitsPerEpoch`.
  const { rpcUrl: url, adminUrl } = devnet;
  const client = await SomaClient.connect({ url, adminUrl });
  await client.advanceEpoch();
  client.close();
  return devnet;
}
