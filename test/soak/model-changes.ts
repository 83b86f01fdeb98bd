import { setTimeout as pause } from 'node:timers/promises';
import { normalArray } from '../../src/engine/reference/index.js';
import { toQuarryError } from '../../src/errors/index.js';
import { blake2b256, cryptWeights, manifestOf } from '../../src/soma/chain/index.js';
import { SomaClient } from '../../src/soma/client/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import type { MiningNetwork } from '../miner/network.js';

/** What became of changing models. */
export interface ModelChanges {
  /** Models that have had other weights. */
  changed: number;
  /** What the network's faults prevented, by error code. */
  readonly failed: Record<string, number>;
}

const EVERY_MS = 15_000;
const LOOK_MS = 100;

/**
 * Gives one model after another other weights, as its owner does: commits in an epoch, reveals in the next.
 *
 * @param host takes the encrypted weights; returns where they are
 */
export async function changeModels(
  { devnet, owner }: MiningNetwork,
  host: (name: string, bytes: Uint8Array) => string,
  over: () => boolean,
  changes: ModelChanges,
): Promise<void> {
  const client = await SomaClient.connect({ url: devnet.rpcUrl });
  const account = client.account(owner);
  const config = MODEL_CONFIGS.small;
  for (let seed = 1_000n; !over(); seed++) {
    await pause(EVERY_MS);
    try {
      const models = [...devnet.ledger.state.modelRegistry.models.keys()];
      const modelId = models[Number(seed) % models.length]!;
      const decryptionKey = new Uint8Array(32).fill(Number(seed % 251n));
      const encrypted = cryptWeights(generateWeightsBytes(config, seed), decryptionKey);
      const url = host(Buffer.from(blake2b256(encrypted)).toString('hex'), encrypted);
      const embedding = normalArray(seed, config.embeddingDim);
      const { effects } = await account.commitModel({
        ...{ modelId, decryptionKey, embedding },
        manifest: manifestOf(url, encrypted),
      });
      while (devnet.ledger.state.epoch <= effects.executedEpoch && !over()) await pause(LOOK_MS);
      await account.revealModel({ modelId, decryptionKey, embedding });
      changes.changed++;
    } catch (error) {
      const { code } = toQuarryError(error, 'changing a model');
      changes.failed[code] = (changes.failed[code] ?? 0) + 1;
    }
  }
  client.close();
}
