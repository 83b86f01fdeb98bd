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
export { exactJson } from './exact-json.js';
export {
  AITBCMiner,
  type AITBCMinerDeps,
  type AITBCMinerOptions,
  type MinerRunOptions,
  SERVICE_CAPABILITIES,
} from './miner/aitbc-miner.js';
export type { JobHandler, MinerEvent, MinerJob, MinerResult, MinerTotals, ReceiptStore } from './miner/miner-types.js';
export { receiptDirectory } from './miner/receipt-directory.js';
export {
  decodeEmbedding,
  SCORING_JOB_TYPE,
  type ScoreFunction,
  type ScoringHandlerOptions,
  scoringHandler,
} from './miner/scoring-handler.js';
export type {
  AcceptedOffer,
  CancelledJob,
  CreatedJob,
  CreatedOffer,
  Health,
  Job,
  JobInput,
  JobList,
  JobPage,
  JobQuery,
  JobResults,
  JobStatus,
  JobSummary,
  LiveJobOptions,
  MarketplaceStats,
  MinerStats,
  Offer,
  OfferInput,
  OfferQuery,
  ReceiptCheck,
  SubmittedService,
} from './models.js';
export type { WaitOptions } from './namespaces/jobs.js';
export { Receipt } from './namespaces/receipt.js';
export type { ReceiptSummary } from './namespaces/receipts.js';
export {
  canonicalJson,
  decodeBase64Exact,
  encodeBase64Url,
  isJsonMembers,
  type JsonMembers,
  type JsonNode,
  JsonNumber,
  POST_SIGNING_MEMBERS,
  parseLosslessJson,
  type ReceiptSignature,
  type ReceiptVerification,
  receiptHash,
  receiptMessage,
  SIGNATURE_MEMBERS,
  type SignatureCheck,
  signReceipt,
  stringifyLosslessJson,
  toPlainJson,
  type VerifyReceiptOptions,
  verifyReceipt,
} from './receipts/index.js';
export { CATALOGUE, findService } from './registry/catalogue.js';
export { serviceSchema } from './registry/service-schema.js';
export { type RequestValidation, validateServiceRequest } from './registry/validate-request.js';
export { loginWithWallet, type WalletLogin, type WalletSigner, walletFromPrivateKey } from './wallet-login.js';
export { CoordinatorSocket, type CoordinatorSocketOptions } from './websocket/coordinator-socket.js';
export type {
  CoordinatorEvent,
  JobUpdate,
  MarketplaceUpdate,
  OtherMessage,
  ReceiptCreated,
  SocketListeners,
  SocketTimings,
  WebSocketConstructor,
  WebSocketLike,
} from './websocket/socket-types.js';
export { toWire, type Wire, wireOf } from './wire.js';
