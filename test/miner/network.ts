import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Devnet, type DevnetOptions, startDevnet } from '../../src/devnet/index.js';
import { seededRandom } from '../../src/devnet/seeded-random.js';
import { MODEL_CONFIGS } from '../../src/engine/model-config.js';
import { normalArray } from '../../src/engine/reference/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import { type AssembledMiner, type CreateMinerOptions, createMiner } from '../../src/miner/index.js';
import { blake2b256, cryptWeights, Keypair, manifestOf } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';

export interface MiningNetwork {
  readonly devnet: Devnet;
  /** Holds state directories and data; removed with the network. */
  readonly dir: string;
  readonly signer: Keypair;
  /** A miner on this network; closed with it. */
  miner(options?: Partial<CreateMinerOptions>): Promise<AssembledMiner>;
  close(): Promise<void>;
}

/** What the miner's account starts with. */
export const FUNDED_SHANNONS = 2_000_000_000n;

/** Kilobytes that differ in what they are made of, so that their embeddings point in many directions. */
export function variedBytes(kilobytes: number): Buffer {
  const random = seededRandom(5);
  const data = Buffer.alloc(kilobytes * 1024);
  for (let at = 0; at < data.length; ) {
    const [first, width] = [Math.floor(random() * 256), 1 + Math.floor(random() ** 3 * 255)];
    for (const end = at + 1024; at < end; at++) data[at] = first + Math.floor(random() * width);
  }
  return data;
}

/** A devnet with three small models active from genesis, a funded key, and a file of text to mine with. */
export async function startMiningNetwork(options: DevnetOptions & { texts?: number } = {}): Promise<MiningNetwork> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-mine-'));
  const host = await HttpHost.listen({ dir: join(dir, 'models'), port: 0 });
  const owner = Keypair.generate();
  const signer = Keypair.generate();
  const models = await Promise.all(
    [1n, 2n, 3n].map(async (seed) => {
      const decryptionKey = new Uint8Array(32).fill(Number(seed));
      const encrypted = cryptWeights(generateWeightsBytes(MODEL_CONFIGS.small, seed), decryptionKey);
      const url = await host.publish(Buffer.from(blake2b256(encrypted)).toString('hex'), encrypted);
      return {
        owner: owner.address,
        manifest: manifestOf(url, encrypted),
        decryptionKey,
        embedding: normalArray(seed + 100n, MODEL_CONFIGS.small.embeddingDim),
        commissionRate: 0n,
        initialStake: 1_000_000_000n,
      };
    }),
  );
  const devnet = await startDevnet({
    models,
    accounts: [{ address: signer.address, coins: [FUNDED_SHANNONS] }],
    checkpointIntervalMs: 50,
    targetsPerEpoch: 20,
    // About one pair in five hits, so that a few samples are enough.
    initialDistanceThreshold: 0.8,
    ...options,
  });
  const data = join(dir, 'text.bin');
  // Deterministic, and different in every kilobyte.
  const text = Array.from({ length: (options.texts ?? 24) * 64 }, (_, i) => `${i * 7919} `.padEnd(16, 'abc')).join('');
  await writeFile(data, text);
  const open: AssembledMiner[] = [];
  return {
    devnet,
    dir,
    signer,
    async miner(wishes = {}) {
      const assembled = await createMiner({
        network: devnet.rpcUrl,
        signer,
        data: [data],
        stateDir: join(dir, 'state'),
        engine: { engine: 'auto', workers: 2 },
        distance: { engine: 'reference' },
        untilIdle: true,
        ...wishes,
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
