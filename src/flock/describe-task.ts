import { descriptionText, oneLine } from './remote-text.js';
import { formatCountdown, parseUtc } from './time.js';
import type { AnyTask } from './types.js';

const DAY_MS = 86_400_000;
/** Final validation lasts five days for every published task. */
const FINAL_VALIDATION_MS = 5 * DAY_MS;

/** Phase of a task. */
export type TaskPhase = 'upcoming' | 'open' | 'final-validation' | 'finalized' | 'unknown';

/** A task prepared for display: derived values, never sent anywhere. */
export interface TaskView {
  readonly id: number;
  /** One line, safe to print. */
  readonly title: string;
  /** Description as plain text. */
  readonly summary: string;
  readonly type: string;
  /** Status exactly as the service reports it. */
  readonly status: string;
  readonly phase: TaskPhase;
  /** The service reports it open although the deadline has passed. */
  readonly overdue: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly opensAt: number | undefined;
  readonly submissionsCloseAt: number | undefined;
  readonly finalValidationEndsAt: number | undefined;
  /** Milliseconds until submissions close; negative after that. */
  readonly msLeft: number | undefined;
  /** `27d 07h`, `closed 3d ago`, or `—`. */
  readonly countdown: string;
  readonly maxParams: number | undefined;
  readonly contextLength: number | undefined;
  readonly vramGb: number | undefined;
  /** Hub link of the winner. */
  readonly winner: string | undefined;
  /** Whether a time above was missing and was derived from start and duration. */
  readonly estimated: boolean;
}

/**
 * Derives the display values of a task.
 *
 * @param nowMs current time by the service's clock
 */
export function describeTask(task: AnyTask, nowMs: number): TaskView {
  const opensAt = parseUtc(task.initialized_at);
  let closesAt = parseUtc(task.submission_phase_ends_at);
  let finalAt = parseUtc(task.final_validation_ends_at);
  let estimated = false;
  if (closesAt === undefined && opensAt !== undefined && Number.isFinite(task.duration_in_seconds)) {
    closesAt = endOfDay(opensAt + task.duration_in_seconds * 1000, opensAt);
    estimated = true;
  }
  if (finalAt === undefined && closesAt !== undefined) {
    finalAt = closesAt + FINAL_VALIDATION_MS;
    estimated = true;
  }
  const data = task.data ?? {};
  const { phase, overdue } = phaseOf(task.status, nowMs, opensAt, closesAt, finalAt);
  const msLeft = closesAt === undefined ? undefined : closesAt - nowMs;
  const winner = task['final_link'];
  return {
    id: task.id,
    title: oneLine(task.title),
    summary: descriptionText(task.description),
    type: oneLine(String(task.task_type)),
    status: oneLine(String(task.status)),
    phase,
    overdue,
    opensAt,
    submissionsCloseAt: closesAt,
    finalValidationEndsAt: finalAt,
    msLeft,
    countdown: msLeft === undefined ? '—' : formatCountdown(msLeft),
    maxParams: finiteNumber(data['max_params']),
    contextLength: finiteNumber(data['context_length']),
    vramGb: parseVramGb(data['recommended_vram']),
    winner: typeof winner === 'string' && winner !== '' ? oneLine(winner) : undefined,
    estimated,
  };
}

/** Gigabytes in a memory recommendation such as `"24GB"` or `"24 GiB"`; undefined for anything else. */
export function parseVramGb(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*G(?:i?B)?\s*$/i.exec(value);
  return match ? Number(match[1]) : undefined;
}

/** `9.5B`, `15B`, `620M`; counts below a thousand are unchanged. */
export function formatParams(count: number): string {
  for (const [unit, size] of [
    ['T', 1e12],
    ['B', 1e9],
    ['M', 1e6],
    ['K', 1e3],
  ] as const) {
    if (count >= size) return `${Number((count / size).toPrecision(3))}${unit}`;
  }
  return String(count);
}

/** Uses the status if it is known and the timestamps otherwise: the name of the state in between is not published. */
function phaseOf(
  status: string,
  nowMs: number,
  opensAt: number | undefined,
  closesAt: number | undefined,
  finalAt: number | undefined,
): { phase: TaskPhase; overdue: boolean } {
  if (status === 'finalized') return { phase: 'finalized', overdue: false };
  if (status === 'submission_phase') return { phase: 'open', overdue: closesAt !== undefined && closesAt <= nowMs };
  const phase: TaskPhase =
    opensAt !== undefined && nowMs < opensAt
      ? 'upcoming'
      : closesAt === undefined || finalAt === undefined
        ? 'unknown'
        : nowMs < closesAt
          ? 'open'
          : nowMs < finalAt
            ? 'final-validation'
            : 'unknown';
  return { phase, overdue: false };
}

/**
 * 23:59:59 of the UTC day of `ms`, with the fractional second of `fractionOf`, which is how every published task ends.
 */
function endOfDay(ms: number, fractionOf: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS + DAY_MS - 1000 + (((fractionOf % 1000) + 1000) % 1000);
}

function finiteNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
