export { SomaAccount } from './account/soma-account.js';
export * from './decode/index.js';
export type { TransactionResult } from './execute/execute-transaction.js';
export * from './read/index.js';
export { SomaClient, type SomaClientSettings } from './soma-client.js';
export * from './transport/index.js';
export type { TargetEvent } from './watch/watch-targets.js';
