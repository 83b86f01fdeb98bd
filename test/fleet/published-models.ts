import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blake2b256 } from '../../src/native/blake2b.js';
import { cryptWeights } from '../../src/soma/chain/index.js';
import { generateWeights } from '../../src/weights/generate.js';
import type { WeightsManifest } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

/** Models of random weights, encrypted and served as owners publish them, and data beside them. */
export interface Published {
  readonly url: string;
  readonly models: readonly WeightsManifest[];
  /** Bytes served at `/name`. */
  readonly files: Map<string, Uint8Array>;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  close(): Promise<void>;
}

/** Publishes `count` models of a shape on a loopback server; plaintext lies in `dir` as `plain-<n>.safetensors`. */
export async function publishModels(
  dir: string,
  count: number,
  config: ModelConfig = MODEL_CONFIGS.small,
): Promise<Published> {
  const files = new Map<string, Uint8Array>();
  const asked = new Map<string, number>();
  const server: LoopbackServer = await listen((request, response) => {
    const name = (request.url ?? '').slice(1);
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const bytes = files.get(name);
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  });
  const models: WeightsManifest[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(dir, `plain-${i}.safetensors`);
    await generateWeights(config, BigInt(i + 1), path);
    const decryptionKey = new Uint8Array(32).fill(i + 1);
    const encrypted = cryptWeights(await readFile(path), decryptionKey);
    files.set(`model-${i}`, encrypted);
    const checksum = Buffer.from(blake2b256(encrypted)).toString('hex');
    models.push({ url: `${server.url}/model-${i}`, checksum, sizeBytes: encrypted.length, decryptionKey });
  }
  return { url: server.url, models, files, asked, close: () => server.close() };
}
