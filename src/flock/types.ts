import type { Json, JsonObject } from './json.js';

/** Phase name the service gives a task. An open set: a third value exists between these two and is not published. */
export type TaskStatus = 'submission_phase' | 'finalized' | (string & {});
/** Family of a task; only `training` is confirmed on the wire. */
export type TaskType = 'training' | (string & {});

/** What both task shapes share. Timestamps are ISO-8601 without zone and mean UTC. */
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

/** A task as `tasks/get` returns it: with the training link and the winner, without the list's storage keys. */
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

/** A task as `tasks/list` returns it: with storage keys and memory advice, without links. */
export interface TaskListItem extends TaskCommon, JsonObjectFields {
  data: TaskListItemData | null;
}

/** The `data` object of a {@link TaskListItem}. */
export interface TaskListItemData extends JsonObject {
  /** Advice such as `"24GB"`; missing on some tasks. */
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

/** What `submit-result` answered; the service documents no shape, so every field is optional. */
export interface SubmitReply extends JsonObject {
  id?: number | string | undefined;
  task_id?: number | undefined;
}

/** Submissions or validations of one UTC day. */
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

/** The submitted model inside an assignment. */
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
  /** Number of rows in all pages; null when the service does not say. */
  total: number | null;
  page: number;
  size: number;
  /** Number of pages; 0 when there is no row, null when the service does not say. */
  pages: number | null;
}

/** Index signature that keeps unknown fields of a wire object reachable. */
interface JsonObjectFields {
  [key: string]: Json | undefined;
}
