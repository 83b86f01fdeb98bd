import type { Json, JsonObject } from './json.js';

/**
 * Phase of a task as named by the service. An open set: there is a third value between these two, which is not
 * published.
 */
export type TaskStatus = 'submission_phase' | 'finalized' | (string & {});
/** Family of a task; only `training` has been observed. */
export type TaskType = 'training' | (string & {});

/** Fields common to both task shapes. Timestamps are ISO-8601 without a zone, in UTC. */
export interface TaskCommon {
  id: number;
  title: string;
  /** Plain text or HTML. */
  description: string;
  task_type: TaskType;
  duration_in_seconds: number;
  status: TaskStatus;
  initialized_at?: string | undefined;
  submission_phase_ends_at?: string | undefined;
  final_validation_ends_at?: string | undefined;
}

/** A task as returned by `tasks/get`: with training link and winner, without the storage keys of the list. */
export interface TaskDetail extends TaskCommon, JsonObjectFields {
  data: TaskDetailData | null;
  /** Hub link of the winning model; null until the task is finalized. */
  final_link?: string | null | undefined;
}

/** The `data` object of a {@link TaskDetail}. */
export interface TaskDetailData extends JsonObject {
  /** Presigned link, valid for one hour from the call. */
  training_set_url?: string | undefined;
  max_params?: number | undefined;
  context_length?: number | undefined;
}

/** A task as returned by `tasks/list`: with storage keys and memory recommendation, without links. */
export interface TaskListItem extends TaskCommon, JsonObjectFields {
  data: TaskListItemData | null;
}

/** The `data` object of a {@link TaskListItem}. */
export interface TaskListItemData extends JsonObject {
  /** Recommendation such as `"24GB"`; missing on some tasks. */
  recommended_vram?: string | null | undefined;
  dataset_s3_key?: string | undefined;
  max_params?: number | undefined;
  context_length?: number | undefined;
  training_set_key?: string | undefined;
  validation_set_key?: string | undefined;
  final_validation_set_key?: string | undefined;
}

/** Either task shape. */
export type AnyTask = TaskDetail | TaskListItem;

/** One of the caller's own submissions. */
export interface WalletSubmission extends JsonObject {
  link: string;
  /** Null until validators have scored it. */
  submission_phase_score: number | null;
  /** Null until the final validation. */
  final_validation_score: number | null;
  submitted_at: string;
}

/** Response of `submit-result`. The service documents no shape, so every field is optional. */
export interface SubmitReply extends JsonObject {
  id?: number | string | undefined;
  task_id?: number | undefined;
}

/** Number of submissions or validations on one UTC day. */
export interface DailyCount {
  /** `YYYY-MM-DD`; the last row of a series is the current, incomplete day. */
  time: string;
  count: number;
}

/** Which series of daily counts. */
export type DailyKind = 'submission' | 'validation';

/** Medals of a wallet in one role. */
export interface Achievements extends JsonObject {
  gold_medals: number;
  silver_medals: number;
  bronze_medals: number;
  total_participations: number;
  tasks: Json[];
}

/** Role of a wallet on a task. */
export type Role = 'validator' | 'node';

/** One row of the model leaderboard. */
export interface ModelRank extends JsonObject {
  wallet: string;
  rank: number;
  submission_phase_score: number | null;
  finalized_at?: string | null | undefined;
}

/** One row of the validator leaderboard. */
export interface ValidatorRank extends JsonObject {
  wallet: string;
  rank: number;
  score: number | null;
  hardworking_score?: number | null | undefined;
  updated_at?: string | null | undefined;
}

/** The submitted model in an assignment. */
export interface SubmissionData extends JsonObject {
  /** `owner/name`; the service spells it `hg`. */
  hg_repo_id: string;
  base_model?: string | undefined;
  gpu_type?: string | undefined;
  revision?: string | undefined;
  model_filename?: string | undefined;
}

/** What a validator needs to score an assignment. */
export interface AssignmentData extends JsonObject {
  /** Presigned link, valid for one hour. */
  validation_set_url?: string | undefined;
  base_model?: string | undefined;
  context_length?: number | undefined;
  max_params?: number | undefined;
}

/** One submission handed to a validator for scoring. */
export interface ValidationAssignment extends JsonObject {
  id: number | string;
  task_submission: JsonObject & { data: SubmissionData };
  assigned_at?: string | undefined;
  status: string;
  data: AssignmentData;
}

/** One page of a paged endpoint. */
export interface Page<T> {
  items: T[];
  /** Number of rows in all pages; null if the service does not report it. */
  total: number | null;
  page: number;
  size: number;
  /** Number of pages; 0 if there are no rows, null if the service does not report it. */
  pages: number | null;
}

/** Index signature that gives access to unknown fields of a wire object. */
interface JsonObjectFields {
  [key: string]: Json | undefined;
}
