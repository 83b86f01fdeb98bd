import type { Devnet } from '../../../src/devnet/soma/index.js';
import { createJsEngine, type JsModel } from '../../../src/engine/js/index.js';
import { decryptionKeyCommitment, embeddingCommitment } from '../../../src/soma/chain/commitment.js';
import { deriveId } from '../../../src/soma/chain/derivation.js';
import type { Keypair } from '../../../src/soma/chain/keys/keypair.js';

import { manifestOf } from '../../../src/soma/chain/manifest.js';
import type { ObjectRef } from '../../../src/soma/chain/object-ref.js';
import { vectorTensor } from '../../../src/soma/chain/tensor.js';
import { cryptWeights } from '../../../src/soma/chain/weights-cipher.js';
import { generateWeightsBytes } from '../../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../../src/weights/safetensors.js';
import { until } from '../../until.js';
import { coinsOf, execute, type RawClient } from './raw-client.js';

export interface PublishedModel {
  readonly id: string;
  readonly model: JsModel;
  readonly key: Uint8Array;
  readonly embedding: Float32Array;
}

const CONFIG = MODEL_CONFIGS.small;

/** Creates, commits and reveals small models by real transactions; returns them active, in a fresh epoch with targets. */
export async function publishModels(
  devnet: Devnet,
  rpc: RawClient,
  owner: Keypair,
  count: number,
): Promise<PublishedModel[]> {
  const engine = createJsEngine();
  // Reads lag behind executions: the coin is taken once its version is newer than the one spent last.
  let spent = -1n;
  const nextGas = async (): Promise<ObjectRef> => {
    const gas = await until(
      async () => (await coinsOf(rpc, owner.address)).find(({ version }) => version > spent),
      'the coin of the last transaction',
    );
    spent = gas.version;
    return gas;
  };
  const made: (PublishedModel & { encrypted: Uint8Array; url: string })[] = [];
  for (let index = 0; index < count; index++) {
    const weights = generateWeightsBytes(CONFIG, BigInt(index + 1));
    const key = new Uint8Array(32).fill(index + 1);
    const encrypted = cryptWeights(weights, key);
    const embedding = Float32Array.from({ length: CONFIG.embeddingDim }, (_, axis) => Math.sin(index * 7 + axis));
    const url = devnet.putBlob(`weights-${index}`, encrypted);
    const gas = await nextGas();
    const created = await execute(
      rpc,
      owner,
      { kind: 'createModel', stakeAmount: 1_000_000_000n, commissionRate: 1000n, architectureVersion: 1n },
      [gas],
    );
    if (created.effects?.status?.success !== true) throw new Error(created.effects?.status?.error?.description);
    const id = deriveId(created.effects.transactionDigest!, 0);
    const model = await engine.load(safetensorsFromBytes(weights), CONFIG);
    made.push({ id, model, key, embedding, encrypted, url });
  }
  for (const { id, key, embedding, encrypted, url } of made) {
    const gas = await nextGas();
    const manifest = manifestOf(url, encrypted);
    const committed = await execute(
      rpc,
      owner,
      {
        kind: 'commitModel',
        modelId: id,
        manifest,
        weightsCommitment: manifest.checksum,
        embeddingCommitment: embeddingCommitment(embedding),
        decryptionKeyCommitment: decryptionKeyCommitment(key),
      },
      [gas],
    );
    if (committed.effects?.status?.success !== true) throw new Error(committed.effects?.status?.error?.description);
  }
  await devnet.advanceEpoch();
  for (const { id, key, embedding } of made) {
    const gas = await nextGas();
    const revealed = await execute(
      rpc,
      owner,
      { kind: 'revealModel', modelId: id, decryptionKey: key, embedding: vectorTensor(embedding) },
      [gas],
    );
    if (revealed.effects?.status?.success !== true) throw new Error(revealed.effects?.status?.error?.description);
  }
  await devnet.advanceEpoch();
  return made;
}
