/**
 * Quarry: a target-mining client for open AI networks.
 *
 * The front door: what a program needs to mine. Each part is whole behind its own entry: `quarry-miner/soma` (chain,
 * client, wallet), `/engine`, `/store`, `/miner`, `/devnet`, and the other networks `/flock` and `/aitbc`.
 */

export { ERROR_CODES, type ErrorCode, QuarryError } from './errors/index.js';
export { HttpHost, S3Host } from './hosting/index.js';
export {
  type AssembledMiner,
  type CreateMinerOptions,
  createMiner,
  Miner,
  type MinerEvents,
  type MinerSummary,
  type SubmissionOutcome,
} from './miner/index.js';
export { Keypair, shannonsToSoma, somaToShannons } from './soma/chain/index.js';
export { SomaClient, type SomaClientOptions } from './soma/client/soma-client.js';
export { resolveSigner } from './soma/wallet/index.js';
export { MODEL_CONFIGS, type ModelConfig } from './weights/model-config.js';
