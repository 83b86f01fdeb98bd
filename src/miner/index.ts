export { type AssembledMiner, type CreateMinerOptions, createMiner } from './create-miner.js';
export type { MinerEmitter, MinerEvents, SubmissionOutcome } from './events.js';
export { Journal, type JournalTotals } from './journal.js';
export { Miner, type MinerDeps, type MinerOptions } from './miner.js';
export type { MinerSummary } from './stats.js';
