/**
 * Quarry: a target-mining client for open AI networks.
 *
 * This main entry exports what a program needs to mine. Each part is available in full from its own entry:
 * `quarry-miner/soma` (chain, client, wallet), `/engine`, `/weights`, `/store`, `/sources`, `/hosting`, `/miner`,
 * `/devnet`, `/demo`, and the other networks `/flock` and `/aitbc`.
 */
export { ERROR_CODES, type ErrorCode, QuarryError } from './errors/index.js';
export { HttpHost } from './hosting/http-host.js';
export { S3Host } from './hosting/s3-host.js';
export { createMiner, resolveSigner, SomaClient } from './lazy.js';
export type {
  AssembledMiner,
  CreateMinerOptions,
  Miner,
  MinerEvents,
  MinerSummary,
  SubmissionOutcome,
} from './miner/index.js';
export { shannonsToSoma, somaToShannons } from './soma/chain/amount.js';
export { Keypair } from './soma/chain/keys/keypair.js';
export type { SomaClientOptions } from './soma/client/soma-client.js';
export { MODEL_CONFIGS, type ModelConfig } from './weights/model-config.js';
