import { FlockError } from './errors.js';
import { isJsonObject, type Json, type JsonObject } from './json.js';
import type {
  Achievements,
  DailyCount,
  ModelRank,
  Page,
  TaskDetail,
  TaskListItem,
  ValidationAssignment,
  ValidatorRank,
  WalletSubmission,
} from './types.js';

/** How strictly responses are decoded. */
export interface DecodeOptions {
  /** Treat unknown task statuses as errors. For tests, as the set is open. */
  readonly strict?: boolean | undefined;
}

function mismatch(path: string, expected: string, got: unknown): FlockError {
  const what = got === undefined ? 'nothing' : got === null ? 'null' : Array.isArray(got) ? 'an array' : typeof got;
  return new FlockError('FLOCK_DECODE', `the service's answer has ${what} at ${path}, expected ${expected}`, {
    details: { path },
    hint: 'The service may have changed its API; `quarry flock doctor --schema` compares them.',
  });
}

function objectAt(value: unknown, path: string): JsonObject {
  if (!isJsonObject(value)) throw mismatch(path, 'an object', value);
  return value;
}

function check(object: JsonObject, path: string, key: string, types: readonly ('string' | 'number' | 'null')[]): void {
  const value = object[key];
  const type = value === null ? 'null' : typeof value;
  if (!(types as readonly string[]).includes(type)) throw mismatch(`${path}.${key}`, types.join(' or '), value);
}

function checkOptional(object: JsonObject, path: string, key: string, types: readonly ('string' | 'number')[]): void {
  const value = object[key];
  if (value !== undefined && value !== null) check(object, path, key, types);
}

function decodeTaskCommon(value: unknown, path: string, options: DecodeOptions): JsonObject {
  const task = objectAt(value, path);
  check(task, path, 'id', ['number']);
  check(task, path, 'title', ['string']);
  check(task, path, 'status', ['string']);
  if (!('data' in task)) throw mismatch(`${path}.data`, 'an object', undefined);
  if (task['data'] !== null) objectAt(task['data'], `${path}.data`);
  for (const key of [
    'description',
    'task_type',
    'initialized_at',
    'submission_phase_ends_at',
    'final_validation_ends_at',
  ]) {
    checkOptional(task, path, key, ['string']);
  }
  checkOptional(task, path, 'duration_in_seconds', ['number']);
  if (options.strict && task['status'] !== 'submission_phase' && task['status'] !== 'finalized') {
    throw mismatch(`${path}.status`, '"submission_phase" or "finalized"', task['status']);
  }
  return task;
}

/** @throws FlockError `FLOCK_DECODE` when a required field is missing or of another type, with its JSON path. */
export function decodeTaskDetail(value: unknown, options: DecodeOptions = {}): TaskDetail {
  const task = decodeTaskCommon(value, '$', options);
  checkOptional(task, '$', 'final_link', ['string']);
  return withText(task) as unknown as TaskDetail;
}

/** @throws FlockError `FLOCK_DECODE` when the answer is not an array of tasks. */
export function decodeTaskList(value: unknown, options: DecodeOptions = {}): TaskListItem[] {
  if (!Array.isArray(value)) throw mismatch('$', 'an array', value);
  return value.map(
    (entry, index) => withText(decodeTaskCommon(entry, `$[${index}]`, options)) as unknown as TaskListItem,
  );
}

/** Reads a missing description or type as an empty string, so that views need no special case. */
function withText(task: JsonObject): JsonObject {
  if (typeof task['description'] === 'string' && typeof task['task_type'] === 'string') return task;
  return { ...task, description: task['description'] ?? '', task_type: task['task_type'] ?? '' };
}

/**
 * Decodes a page envelope; one with only `items` is a single, complete page.
 *
 * @throws FlockError `FLOCK_DECODE` when `items` is missing or an item is malformed
 */
export function decodePage<T>(
  value: unknown,
  asked: { page: number; size: number },
  item: (value: unknown, path: string) => T,
): Page<T> {
  const envelope = objectAt(value, '$');
  const items = envelope['items'];
  if (!Array.isArray(items)) throw mismatch('$.items', 'an array', items);
  const number = (key: string): number | undefined =>
    typeof envelope[key] === 'number' && Number.isFinite(envelope[key]) ? envelope[key] : undefined;
  const bare = envelope['pages'] === undefined && envelope['total'] === undefined && envelope['page'] === undefined;
  return {
    items: items.map((entry, index) => item(entry, `$.items[${index}]`)),
    total: bare ? items.length : (number('total') ?? null),
    page: number('page') ?? asked.page,
    size: number('size') ?? asked.size,
    pages: bare ? 1 : (number('pages') ?? null),
  };
}

/** @throws FlockError `FLOCK_DECODE` when the link or a score has another type. */
export function decodeSubmission(value: unknown, path: string): WalletSubmission {
  const row = objectAt(value, path);
  check(row, path, 'link', ['string']);
  checkOptional(row, path, 'submission_phase_score', ['number']);
  checkOptional(row, path, 'final_validation_score', ['number']);
  checkOptional(row, path, 'submitted_at', ['string']);
  return row as WalletSubmission;
}

/** @throws FlockError `FLOCK_DECODE` unless the row is an object. All fields are kept unchanged. */
export function decodeRecord(value: unknown, path: string): JsonObject {
  return objectAt(value, path);
}

/** @throws FlockError `FLOCK_DECODE` when wallet or rank has another type. */
export function decodeModelRank(value: unknown, path: string): ModelRank {
  const row = objectAt(value, path);
  check(row, path, 'wallet', ['string']);
  checkOptional(row, path, 'rank', ['number']);
  checkOptional(row, path, 'submission_phase_score', ['number']);
  return row as ModelRank;
}

/** @throws FlockError `FLOCK_DECODE` when wallet or rank has another type. */
export function decodeValidatorRank(value: unknown, path: string): ValidatorRank {
  const row = objectAt(value, path);
  check(row, path, 'wallet', ['string']);
  checkOptional(row, path, 'rank', ['number']);
  checkOptional(row, path, 'score', ['number']);
  return row as ValidatorRank;
}

/** @throws FlockError `FLOCK_DECODE` unless the answer is `{data: [{time, count}]}`. */
export function decodeDaily(value: unknown): DailyCount[] {
  const data = objectAt(value, '$')['data'];
  if (!Array.isArray(data)) throw mismatch('$.data', 'an array', data);
  return data.map((entry, index) => {
    const row = objectAt(entry, `$.data[${index}]`);
    check(row, `$.data[${index}]`, 'time', ['string']);
    check(row, `$.data[${index}]`, 'count', ['number']);
    return row as unknown as DailyCount;
  });
}

/** @throws FlockError `FLOCK_DECODE` when a medal count is not a number. */
export function decodeAchievements(value: unknown): Achievements {
  const row = objectAt(value, '$');
  for (const key of ['gold_medals', 'silver_medals', 'bronze_medals', 'total_participations']) {
    check(row, '$', key, ['number']);
  }
  return { ...row, tasks: Array.isArray(row['tasks']) ? row['tasks'] : [] } as Achievements;
}

/** The tasks of a wallet in any known wrapping: an array, `{items}`, `{tasks}` or `{data}`. */
export function decodeEnrolled(value: unknown): Json[] {
  if (Array.isArray(value)) return value as Json[];
  const object = objectAt(value, '$');
  for (const key of ['items', 'tasks', 'data']) {
    const inner = object[key];
    if (Array.isArray(inner)) return inner;
  }
  throw mismatch('$', 'an array, or an object with items, tasks or data', value);
}

/** @throws FlockError `FLOCK_DECODE` when id, submission or status is missing. */
export function decodeAssignment(value: unknown): ValidationAssignment {
  const row = objectAt(value, '$');
  check(row, '$', 'id', ['number', 'string']);
  const submission = objectAt(row['task_submission'], '$.task_submission');
  const model = objectAt(submission['data'], '$.task_submission.data');
  const data = row['data'] === undefined || row['data'] === null ? {} : objectAt(row['data'], '$.data');
  const status = typeof row['status'] === 'string' ? row['status'] : 'validating';
  return {
    ...row,
    id: row['id'] as number | string,
    status,
    task_submission: { ...submission, data: model as ValidationAssignment['task_submission']['data'] },
    data,
  };
}
