import { QuarryError } from '../../errors/index.js';
import { readIfPresent } from '../../files/read-if-present.js';
import { replaceFile } from '../../files/replace-file.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';

/** State of a task at the last poll. */
export interface SeenTask {
  /** Values of the compared fields. */
  readonly fields: Readonly<Record<string, Json>>;
  readonly status: string;
  /** Deadline thresholds already announced, in milliseconds. */
  readonly announced: readonly number[];
}

/** By task id. */
export type SeenTasks = Map<number, SeenTask>;

/**
 * Reads the state of an earlier run; undefined if there is none.
 *
 * @throws QuarryError `DATA_INVALID` when the file has another format
 * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file or cannot be read
 */
export async function readWatchState(path: string): Promise<SeenTasks | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value) || value['version'] !== 1 || !isJsonObject(value['tasks'])) {
    throw new QuarryError('DATA_INVALID', `${path} is not a state file of the task watcher`, {
      hint: 'Name another file with --state, or remove this one to start over.',
    });
  }
  const seen: SeenTasks = new Map();
  for (const [id, entry] of Object.entries(value['tasks'])) {
    if (!isJsonObject(entry) || !isJsonObject(entry['fields'])) continue;
    seen.set(Number(id), {
      fields: entry['fields'] as Record<string, Json>,
      status: String(entry['status'] ?? ''),
      announced: Array.isArray(entry['announced']) ? entry['announced'].filter((t) => typeof t === 'number') : [],
    });
  }
  return seen;
}

/** Writes the state atomically: a crash leaves either the old or the new one. */
export async function writeWatchState(path: string, seen: SeenTasks): Promise<void> {
  const tasks: JsonObject = {};
  for (const [id, task] of seen) {
    tasks[String(id)] = { fields: { ...task.fields }, status: task.status, announced: [...task.announced] };
  }
  await replaceFile(path, `${JSON.stringify({ version: 1, tasks })}\n`);
}
