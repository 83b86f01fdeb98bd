import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Devnet, type DevnetOptions, startDevnet } from '../../src/devnet/soma/index.js';
import { normalArray } from '../../src/engine/reference/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import { type AssembledMiner, type CreateMinerOptions, createMiner } from '../../src/miner/index.js';
import { blake2b256, cryptWeights, Keypair, manifestOf } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';

export interface MiningNetwork {
  readonly devnet: Devnet;
  /** Holds state directories and data; removed with the network. */
  readonly dir: string;
  readonly signer: Keypair;
  /** Owns the models, and has coins to change them with. */
  readonly owner: Keypair;
  /** Encrypted weights by the names that they have below `modelsAt`. */
  readonly weights: ReadonlyMap<string, Uint8Array>;
  /** A miner on this network; closed with it. */
  miner(options?: Partial<CreateMinerOptions>): Promise<AssembledMiner>;
  close(): Promise<void>;
}

/** What the miner's account starts with. */
export const FUNDED_SHANNONS = 2_000_000_000n;
/** What the models' owner starts with. */
const OWNER_SHANNONS = 1_000_000_000n;

export interface MiningNetworkOptions extends DevnetOptions {
  /** Kilobytes of text in the file. Default 24. */
  readonly texts?: number;
  /** Base URL of the devnet's own blobs: the models are served from there, and suffer its faults. */
  readonly modelsAt?: string;
  /** Safetensors of the three models and their shape. Default: random small ones. */
  readonly weights?: { readonly bytes: readonly Uint8Array[]; readonly config: ModelConfig };
}

/** A devnet with three small models active from genesis, a funded key, and a file of text to mine with. */
export async function startMiningNetwork(options: MiningNetworkOptions = {}): Promise<MiningNetwork> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-mine-'));
  const host = await HttpHost.listen({ dir: join(dir, 'models'), port: 0 });
  const owner = Keypair.generate();
  const signer = Keypair.generate();
  const blobs = new Map<string, Uint8Array>();
  const { config } = options.weights ?? { config: MODEL_CONFIGS.small };
  const models = await Promise.all(
    [1n, 2n, 3n].map(async (seed, i) => {
      const decryptionKey = new Uint8Array(32).fill(Number(seed));
      const weights = options.weights?.bytes[i] ?? generateWeightsBytes(config, seed);
      const encrypted = cryptWeights(weights, decryptionKey);
      const name = Buffer.from(blake2b256(encrypted)).toString('hex');
      const hosted = await host.publish(name, encrypted);
      const url = options.modelsAt === undefined ? hosted : `${options.modelsAt}/${name}`;
      blobs.set(name, encrypted);
      return {
        owner: owner.address,
        manifest: manifestOf(url, encrypted),
        decryptionKey,
        embedding: normalArray(seed + 100n, config.embeddingDim),
        commissionRate: 0n,
        initialStake: 1_000_000_000n,
      };
    }),
  );
  const devnet = await startDevnet({
    models,
    accounts: [
      { address: signer.address, coins: [FUNDED_SHANNONS] },
      { address: owner.address, coins: [OWNER_SHANNONS] },
    ],
    checkpointIntervalMs: 50,
    embeddingDim: config.embeddingDim,
    targetsPerEpoch: 20,
    // About one pair in five hits, so that a few samples are enough.
    initialDistanceThreshold: 0.8,
    ...options,
  });
  for (const [name, bytes] of blobs) devnet.putBlob(name, bytes);
  const data = join(dir, 'text.bin');
  // Deterministic, and different in every kilobyte.
  const text = Array.from({ length: (options.texts ?? 24) * 64 }, (_, i) => `${i * 7919} `.padEnd(16, 'abc')).join('');
  await writeFile(data, text);
  const open: AssembledMiner[] = [];
  return {
    devnet,
    dir,
    signer,
    owner,
    weights: blobs,
    async miner(options = {}) {
      const assembled = await createMiner({
        network: devnet.rpcUrl,
        signer,
        data: [data],
        stateDir: join(dir, 'state'),
        engine: { engine: 'auto', workers: 2 },
        distance: { engine: 'js' },
        untilIdle: true,
        ...options,
      });
      open.push(assembled);
      return assembled;
    },
    async close() {
      for (const assembled of open.reverse()) await assembled.close();
      await devnet.close();
      await host.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
