export { AITBCClient } from './client.js';
export { type AITBCClientDeps, type AITBCClientOptions, DEFAULT_BASE_URL } from './client-options.js';
export { compareDecimals, toDecimalString } from './decimal.js';
export type { CallOptions, DialectName, ServiceName } from './dialects/dialect.js';
export type { DialectChoice } from './dialects/dialect-router.js';
export {
  AITBCError,
  APIError,
  type ApiErrorCode,
  AuthenticationError,
  ConflictError,
  GoneError,
  JobFailedError,
  NotFoundError,
  NotReadyError,
  PaymentRequiredError,
  RateLimitError,
  ServerError,
  TimeoutError,
  UnsupportedOperationError,
  ValidationError,
} from './errors.js';
export {
  AITBCMiner,
  type AITBCMinerDeps,
  type AITBCMinerOptions,
  type MinerRunOptions,
  SERVICE_CAPABILITIES,
} from './miner/aitbc-miner.js';
export type * from './miner/miner-types.js';
export { receiptDirectory } from './miner/receipt-directory.js';
export {
  decodeEmbedding,
  SCORING_JOB_TYPE,
  type ScoreFunction,
  type ScoringHandlerOptions,
  scoringHandler,
} from './miner/scoring-handler.js';
export type * from './models.js';
export type { WaitOptions } from './namespaces/jobs.js';
export { Receipt } from './namespaces/receipt.js';
export type { ReceiptSummary } from './namespaces/receipts.js';
export * from './receipts/index.js';
export { CATALOGUE, findService } from './registry/catalogue.js';
export { serviceSchema } from './registry/service-schema.js';
export { type RequestValidation, validateServiceRequest } from './registry/validate-request.js';
export { loginWithWallet, type WalletLogin, type WalletSigner, walletFromPrivateKey } from './wallet-login.js';
export { CoordinatorSocket, type CoordinatorSocketOptions } from './websocket/coordinator-socket.js';
export type * from './websocket/socket-types.js';
export { toWire, type Wire, wireOf } from './wire.js';
