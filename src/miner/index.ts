export { type DataHost, HttpHost, type HttpHostOptions, S3Host, type S3HostOptions } from '../hosting/index.js';
export { createMiner } from './create-miner.js';
export type {
  AssembledMiner,
  CreateMinerOptions,
  MinerDistance,
  MinerEngine,
  OwnSample,
} from './create-miner-options.js';
export { Journal } from './journal/journal.js';
export {
  type JournalHistory,
  openJournalHistory,
  type PastClaim,
  type PastSubmission,
} from './journal/journal-history.js';
export type { JournalTotals } from './journal/journal-totals.js';
export { type JournalChain, openJournal } from './journal/open-journal.js';
export { StateReader } from './journal/state-reader.js';
export { Miner } from './miner.js';
export type { MinerDeps, MinerOptions } from './miner-options.js';
export { ownHost } from './own-host.js';
export type { MinerEmitter, MinerEvents, SubmissionOutcome } from './run/events.js';
export type { NodeContact } from './run/node-watch.js';
export type { MinerSummary } from './run/stats.js';
export type { ModelStatus } from './score/model-loader.js';
export { freeSlot } from './share/slots.js';
export type { BackupFile, BackupManifest } from './state/backup-manifest.js';
export { backupState } from './state/backup-state.js';
export { restoreState } from './state/restore-state.js';
export { ensureStateDirectory } from './state/state-directory.js';
