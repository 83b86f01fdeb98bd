export {
  BASE_MODEL_PARAMS,
  BASE_MODELS_AS_OF,
  candidateBases,
  SUPPORTED_BASES,
  TEMPLATE_KEYS,
  templateKeyFor,
} from './base-models.js';
export { DEFAULT_BASE_URL } from './base-url.js';
export { type BetterScore, bestSubmissions, isInvalidScore, SUBMISSION_COLUMNS } from './best-submissions.js';
export { FlockClient, type Health } from './client.js';
export { describeTask, formatParams, parseVramGb, type TaskPhase, type TaskView } from './describe-task.js';
export {
  type DownloadDeps,
  type DownloadOptions,
  type DownloadResult,
  downloadObject,
  type LinkSource,
} from './download/download-training-set.js';
export type { JsonlReport } from './download/jsonl-check.js';
export type { DownloadProgress } from './download/progress.js';
export {
  FLOCK_REASONS,
  FlockError,
  type FlockErrorOptions,
  type FlockReason,
  hasReason,
  type ValidationIssue,
} from './errors.js';
export { type ExternalScorerOptions, externalScorer, SCORER_EXIT } from './external-scorer.js';
export { type FlatTable, type FlattenOptions, flatten, transpose } from './flatten.js';
export { type Gpu, gpuInfo, gpuTypeForSubmission, listGpus, type RunProgram } from './gpu.js';
export { DEFAULT_HUB_URL, HubApi, type HubModel, type HubOptions } from './hub/hub-api.js';
export {
  type UploadDeps,
  type UploadEvent,
  type UploadOptions,
  type UploadResult,
  uploadFolder,
} from './hub/upload.js';
export {
  type HubLink,
  isCommitHash,
  parseHubLink,
  parseRepoId,
  parseTaskId,
  parseWallet,
  sameWallet,
} from './identifiers.js';
export type { Json, JsonObject } from './json.js';
export type { PageOptions } from './pages.js';
export {
  type PreflightCheck,
  type PreflightDeps,
  type PreflightOptions,
  type PreflightReport,
  preflight,
} from './preflight.js';
export { type PresignedLink, parsePresignedLink } from './presigned-link.js';
export {
  type CheckedSubmitDeps,
  type CheckedSubmitOptions,
  type CheckedSubmitResult,
  submitChecked,
} from './publish.js';
export { descriptionText, oneLine } from './remote-text.js';
export { diffSchema, type SchemaDiff } from './schema-diff.js';
export { Leaderboard, Stats, WalletStats } from './stats.js';
export { type LedgerEntry, SubmissionLedger } from './submission-ledger.js';
export { Submissions } from './submissions.js';
export type { SubmitOptions, SubmitOutcome } from './submit-result.js';
export { Tasks } from './tasks.js';
export { formatCountdown, formatUtc, parseUtc, ServerClock } from './time.js';
export type { CallOptions, FlockClientOptions, FlockDeps } from './transport.js';
export type {
  Achievements,
  AnyTask,
  AssignmentData,
  DailyCount,
  DailyKind,
  ModelRank,
  Page,
  Role,
  SubmissionData,
  SubmitReply,
  TaskCommon,
  TaskDetail,
  TaskDetailData,
  TaskListItem,
  TaskListItemData,
  TaskStatus,
  TaskType,
  ValidationAssignment,
  ValidatorRank,
  WalletSubmission,
} from './types.js';
export { type StoredResult, Validation } from './validation.js';
export {
  type Scorer,
  type ScorerInput,
  type ScorerVerdict,
  type ValidatorEvent,
  type ValidatorLoopOptions,
  validatorLoop,
} from './validator-loop.js';
export type { DegradedEvent, PollOptions } from './watch/poll.js';
export type { RankEvent, WatchRanksOptions } from './watch/watch-ranks.js';
export type { ScoreEvent, WatchScoresOptions } from './watch/watch-scores.js';
export { DEFAULT_THRESHOLDS_MS, type TaskEvent, type WatchTasksOptions } from './watch/watch-tasks.js';
