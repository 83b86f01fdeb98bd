import { QuarryError } from '../../errors/index.js';
import type { Sleep } from '../../net/index.js';
import { describeTask } from '../describe-task.js';
import { hasReason } from '../errors.js';
import type { Json } from '../json.js';
import { oneLine } from '../remote-text.js';
import { formatCountdown, type ServerClock } from '../time.js';
import type { CallOptions } from '../transport.js';
import type { TaskDetail, TaskListItem } from '../types.js';
import { readWatchState, type SeenTask, type SeenTasks, writeWatchState } from './watch-state.js';

const HOUR_MS = 3_600_000;
/** Default deadline warnings: three days, one day, six hours, one hour and ten minutes before. */
export const DEFAULT_THRESHOLDS_MS: readonly number[] = [72 * HOUR_MS, 24 * HOUR_MS, 6 * HOUR_MS, HOUR_MS, 600_000];
/** Minimum polling interval, out of courtesy to a public service. */
const LEAST_INTERVAL_MS = 15_000;
/** Maximum single sleep, so that deadlines are announced on time. */
const TICK_MS = 60_000;

/** Options for watching tasks. */
export interface WatchTasksOptions {
  /** Interval between two polls. Default 60 s, at least 15 s. */
  readonly intervalMs?: number | undefined;
  /** Fraction of the interval that varies at random. Default 0.1. */
  readonly jitter?: number | undefined;
  /** Statuses to list. Default `submission_phase`. */
  readonly statuses?: readonly string[] | undefined;
  /** File that keeps the state between runs. */
  readonly stateFile?: string | undefined;
  /** Also report the tasks present at the first poll. Default false: the first poll is the baseline. */
  readonly emitExisting?: boolean | undefined;
  /** Times before the end of submissions at which to announce it, milliseconds. */
  readonly thresholdsMs?: readonly number[] | undefined;
  /** Maximum delay while the service fails. Default 15 minutes. */
  readonly maxBackoffMs?: number | undefined;
  /** Allows intervals below 15 s. For tests against a local server. */
  readonly allowFast?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A change to a task, or to the watch itself. `at` is the service's time, ISO-8601. */
export type TaskEvent = { readonly at: string } & (
  | { readonly event: 'task-opened'; readonly id: number; readonly title: string; readonly task: TaskListItem }
  | {
      readonly event: 'task-changed';
      readonly id: number;
      readonly title: string;
      readonly fields: Readonly<Record<string, { readonly from: Json; readonly to: Json }>>;
    }
  | { readonly event: 'task-left'; readonly id: number; readonly title: string; readonly status: string | null }
  | {
      readonly event: 'task-finalized';
      readonly id: number;
      readonly title: string;
      readonly final_link: string | null;
    }
  | {
      readonly event: 'deadline';
      readonly id: number;
      readonly title: string;
      readonly thresholdMs: number;
      readonly msLeft: number;
      readonly left: string;
    }
  | { readonly event: 'degraded'; readonly failures: number; readonly reason: string }
  | { readonly event: 'recovered'; readonly failures: number }
);

/** Source of tasks. */
export interface TaskSource {
  list(call: CallOptions & { readonly status?: string | undefined }): Promise<TaskListItem[]>;
  get(id: number, call: CallOptions): Promise<TaskDetail>;
}

/** Dependencies of {@link watchTasks}. */
export interface WatchTasksDeps {
  readonly tasks: TaskSource;
  readonly clock: ServerClock;
  readonly sleep: Sleep;
  readonly random: () => number;
}

/**
 * Watches the task lists until the signal fires. A failed poll never reports a task as gone; an empty list does.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the interval is below 15 s
 * @throws QuarryError `DATA_INVALID` when the state file has another format
 */
export async function* watchTasks(
  options: WatchTasksOptions,
  deps: WatchTasksDeps,
): AsyncGenerator<TaskEvent, void, undefined> {
  const intervalMs = options.intervalMs ?? 60_000;
  if (intervalMs < LEAST_INTERVAL_MS && !options.allowFast) {
    throw new QuarryError('INVALID_ARGUMENT', `"intervalMs" expected at least ${LEAST_INTERVAL_MS}, got ${intervalMs}`);
  }
  const statuses = options.statuses ?? ['submission_phase'];
  const thresholds = [...(options.thresholdsMs ?? DEFAULT_THRESHOLDS_MS)].sort((a, b) => b - a);
  const { signal } = options;
  const call = { signal };
  const stored = options.stateFile === undefined ? undefined : await readWatchState(options.stateFile);
  const seen: SeenTasks = stored ?? new Map();
  let baseline = stored === undefined && !options.emitExisting;
  let failures = 0;
  let present: TaskListItem[] = [];
  const at = (): string => new Date(deps.clock.now()).toISOString();

  while (!signal?.aborted) {
    let events: TaskEvent[] = [];
    try {
      const lists = [];
      for (const status of statuses) lists.push(await deps.tasks.list({ ...call, status }));
      present = lists.flat();
      events = await compare(present, seen, baseline, deps, call, at);
      baseline = false;
      if (failures > 0) yield { at: at(), event: 'recovered', failures };
      failures = 0;
    } catch (error) {
      if (signal?.aborted || hasReason(error, 'FLOCK_ABORTED')) return;
      failures++;
      // Reported at the first failure and again each time the number has doubled.
      if ((failures & (failures - 1)) === 0) {
        yield { at: at(), event: 'degraded', failures, reason: error instanceof Error ? error.message : String(error) };
      }
    }
    for (const event of announce(present, seen, thresholds, deps.clock.now(), at)) events.push(event);
    if (options.stateFile !== undefined && failures === 0) await writeWatchState(options.stateFile, seen);
    yield* events;

    const longest = Math.max(options.maxBackoffMs ?? 900_000, intervalMs);
    const pause = Math.min(longest, intervalMs * 2 ** Math.min(failures, 10));
    let left = pause * (1 + (options.jitter ?? 0.1) * (2 * deps.random() - 1));
    while (left > 0) {
      const step = Math.min(left, TICK_MS, msToNextThreshold(present, seen, thresholds, deps.clock.now()));
      try {
        await deps.sleep(step, signal);
      } catch (error) {
        if (signal?.aborted) return;
        throw error;
      }
      left -= step;
      const due = announce(present, seen, thresholds, deps.clock.now(), at);
      if (due.length > 0) {
        if (options.stateFile !== undefined) await writeWatchState(options.stateFile, seen);
        yield* due;
      }
    }
  }
}

async function compare(
  present: readonly TaskListItem[],
  seen: SeenTasks,
  baseline: boolean,
  deps: WatchTasksDeps,
  call: { signal?: AbortSignal | undefined },
  at: () => string,
): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  // Look up missing tasks before changing any state: if that fails, this poll is repeated.
  const ids = new Set(present.map((task) => task.id));
  const gone: { id: number; title: string; status: string | null; link: string | null }[] = [];
  for (const [id, before] of seen) {
    if (ids.has(id)) continue;
    const title = String(before.fields['title'] ?? '');
    try {
      const now = await deps.tasks.get(id, call);
      gone.push({ id, title, status: now.status, link: now.final_link ?? null });
    } catch (error) {
      if (!hasReason(error, 'FLOCK_NOT_FOUND')) throw error;
      gone.push({ id, title, status: null, link: null });
    }
  }
  for (const { id, title, status, link } of gone) {
    seen.delete(id);
    events.push({ at: at(), event: 'task-left', id, title, status });
    if (status === 'finalized') events.push({ at: at(), event: 'task-finalized', id, title, final_link: link });
  }
  for (const task of present) {
    const fields = comparedFields(task);
    const before = seen.get(task.id);
    const title = oneLine(task.title);
    if (before === undefined) {
      if (!baseline) events.push({ at: at(), event: 'task-opened', id: task.id, title, task });
    } else {
      const changes: Record<string, { from: Json; to: Json }> = {};
      for (const key of new Set([...Object.keys(before.fields), ...Object.keys(fields)])) {
        const from = before.fields[key] ?? null;
        const to = fields[key] ?? null;
        if (JSON.stringify(from) !== JSON.stringify(to)) changes[key] = { from, to };
      }
      if (Object.keys(changes).length > 0)
        events.push({ at: at(), event: 'task-changed', id: task.id, title, fields: changes });
    }
    // After the deadline moved, its thresholds can be crossed again.
    const moved =
      before !== undefined && before.fields['submission_phase_ends_at'] !== fields['submission_phase_ends_at'];
    const announced = before === undefined || moved ? [] : before.announced;
    seen.set(task.id, { fields, status: task.status, announced });
  }
  return events;
}

function comparedFields(task: TaskListItem): Record<string, Json> {
  const data = task.data ?? {};
  const fields: Record<string, Json> = {
    title: task.title,
    description: task.description,
    submission_phase_ends_at: task.submission_phase_ends_at ?? null,
    final_validation_ends_at: task.final_validation_ends_at ?? null,
  };
  for (const key of ['max_params', 'context_length', 'recommended_vram']) fields[key] = data[key] ?? null;
  return fields;
}

/** The nearest threshold each task has crossed since the last announcement; skipped ones count as announced. */
function announce(
  present: readonly TaskListItem[],
  seen: SeenTasks,
  thresholds: readonly number[],
  nowMs: number,
  at: () => string,
): TaskEvent[] {
  const events: TaskEvent[] = [];
  for (const task of present) {
    const memory = seen.get(task.id);
    const { msLeft, title } = describeTask(task, nowMs);
    if (memory === undefined || msLeft === undefined || msLeft <= 0) continue;
    const crossed = thresholds.filter((threshold) => msLeft <= threshold && !memory.announced.includes(threshold));
    const nearest = crossed.at(-1);
    if (nearest === undefined) continue;
    const updated: SeenTask = { ...memory, announced: [...memory.announced, ...crossed] };
    seen.set(task.id, updated);
    events.push({
      at: at(),
      event: 'deadline',
      id: task.id,
      title,
      thresholdMs: nearest,
      msLeft,
      left: formatCountdown(msLeft),
    });
  }
  return events;
}

function msToNextThreshold(
  present: readonly TaskListItem[],
  seen: SeenTasks,
  thresholds: readonly number[],
  nowMs: number,
): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const task of present) {
    const { msLeft } = describeTask(task, nowMs);
    const memory = seen.get(task.id);
    if (msLeft === undefined || memory === undefined) continue;
    for (const threshold of thresholds) {
      if (msLeft > threshold) nearest = Math.min(nearest, msLeft - threshold);
    }
  }
  return Math.max(1, nearest);
}
