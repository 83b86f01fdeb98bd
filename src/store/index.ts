export {
  type DatabaseOptions,
  openDatabase,
  type SqlDatabase,
  type SqlRow,
  type SqlStatement,
  type SqlValue,
} from '../database/database.js';
export { lockForWriting, type WriterLock } from '../database/writer-lock.js';
export { createBestScanner, createNativeScanner } from './best-scanner.js';
export {
  type ChosenScanner,
  DISTANCE_ENGINES,
  type DistanceEngineName,
  type ScannerOptions,
} from './build-scanner.js';
export { chooseScanner, gpuObjection } from './choose-scanner.js';
export { collectGarbage, type StoreCollection } from './collect-garbage.js';
export {
  type ComposePolicy,
  Composer,
  type ComposerOptions,
  type Composition,
  composedOrigin,
  composedScore,
  type JoinedParts,
  joinParts,
  type PartScore,
  partsOfOrigin,
  scoreFromParts,
} from './compose/index.js';
export { createEngineScanner } from './engine-scanner.js';
export { type ExportOptions, exportStore } from './export-store.js';
export type { FarPolicy, FarRows, FarSample } from './far-rows.js';
export { createFileScanner } from './file-scanner.js';
export { KnownSamples } from './known-samples.js';
export type { LossErrorBound } from './loss-error-bound.js';
export type { HitPolicy, MatchHit, MatchPolicy, MatchTarget } from './match.js';
export { measuredRows, type ScanSize, secondsPerScan } from './measure-scanner.js';
export { type ModelKey, modelKeyId } from './model-key.js';
export { autoScanner, probeScanners, type ScannerProbe } from './probe-scanners.js';
export {
  type RowScanner,
  type RowSelection,
  type RowTable,
  type SelectionScanOptions,
  SKIPPED_TABLE,
} from './row-scanner.js';
export { rowsOnDisk, scanSizeOnDisk } from './rows-on-disk.js';
export { openStore, type Store } from './store.js';
export { type StoreInfo, storeInfo } from './store-info.js';
export type {
  AppendedSample,
  SampleInput,
  ScoreInput,
  StoreDeps,
  StoredSample,
  StoredScore,
  StoreOptions,
  StoreRepairs,
} from './store-types.js';
export { type StoreFault, type StoreVerification, verifyStore } from './verify-store.js';
