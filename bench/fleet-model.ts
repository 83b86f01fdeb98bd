import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { blake2b256 } from '../src/native/blake2b.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../src/net/index.js';
import { cryptWeights } from '../src/soma/chain/index.js';
import type { WeightsManifest } from '../src/weights/manifest.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import { WeightsCache } from '../src/weights/weights-cache.js';
import { modelFile } from './forward-model.js';

/** A generated model, published on loopback as owners publish theirs. */
export interface FleetModel {
  readonly config: ModelConfig;
  readonly manifest: WeightsManifest;
  readonly weights: WeightsCache;
  close(): Promise<void>;
}

/** Generates a model's weights in a folder, encrypts and serves them. */
export async function publishModel(
  config: ModelConfig,
  dir: string,
  signal: AbortSignal | undefined,
): Promise<FleetModel> {
  const decryptionKey = new Uint8Array(32).fill(7);
  const encrypted = cryptWeights(await readFile(await modelFile(config, dir, signal)), decryptionKey);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': encrypted.length }).end(encrypted);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
  const manifest = {
    url: `http://127.0.0.1:${port}/model`,
    checksum: Buffer.from(blake2b256(encrypted)).toString('hex'),
    sizeBytes: encrypted.length,
    decryptionKey,
  };
  const close = async (): Promise<void> => {
    await http.close();
    server.closeAllConnections();
    server.close();
  };
  return { config, manifest, weights: new WeightsCache({ dir: `${dir}/weights` }, { http }), close };
}
