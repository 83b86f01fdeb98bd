import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sleep, sleep } from '../http/index.js';
import type { FlockClient } from './client.js';
import { downloadObject } from './download/download-training-set.js';
import { FlockError, hasReason } from './errors.js';
import type { JsonObject } from './json.js';
import type { ValidationAssignment } from './types.js';
import { checkMetrics } from './validation.js';

/** Names of the link to the validation data, the documented one first. */
const DATA_KEYS = [
  'validation_set_url',
  'validation_data_url',
  'validation_zip_url',
  'validation_manifest_url',
] as const;

/** What a scorer is given. */
export interface ScorerInput {
  /** Fields of the submission with those of the assignment over them, as FLock's own runner merges them. */
  readonly input: JsonObject;
  readonly assignment: ValidationAssignment;
  /** The downloaded validation set; undefined when the assignment names none. */
  readonly evalFile: string | undefined;
  readonly taskId: number;
  /** From 1. */
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
}

/** What a scorer found. */
export type ScorerVerdict =
  | { readonly verdict: 'scored'; readonly metrics: JsonObject }
  /** The submission is at fault: reported as failed. */
  | { readonly verdict: 'invalid'; readonly reason: string }
  /** This machine is at fault: the assignment is left alone, the loop stops. */
  | { readonly verdict: 'operator'; readonly reason: string };

/** Scores one submission. A rejection is repeated up to the number of attempts. */
export type Scorer = (input: ScorerInput) => Promise<ScorerVerdict>;

/** How the loop runs. */
export interface ValidatorLoopOptions {
  /** Asked in turn. */
  readonly taskIds: readonly number[];
  readonly scorer: Scorer;
  /** Between two successful lookups. Default 180 s, the service's limit. */
  readonly lookupIntervalMs?: number | undefined;
  /** Pause when there is no work or something is wrong. Default 180 s. */
  readonly idleMs?: number | undefined;
  /** Calls of the scorer per assignment. Default 3. */
  readonly attempts?: number | undefined;
  /** Ends after so many settled assignments. */
  readonly maxAssignments?: number | undefined;
  /** Where validation sets are kept while scoring. Default: the system's temporary directory. */
  readonly workDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What happened in the loop. */
export type ValidatorEvent =
  | { readonly event: 'assigned'; readonly taskId: number; readonly id: number | string; readonly repo: string }
  | {
      readonly event: 'idle';
      readonly taskId: number;
      readonly waitMs: number;
      readonly reason: 'no-work' | 'rate-limited' | 'error';
      readonly detail?: string | undefined;
    }
  | {
      readonly event: 'completed';
      readonly taskId: number;
      readonly id: number | string;
      readonly metrics: JsonObject;
      readonly stored: 'yes' | 'probably';
    }
  | { readonly event: 'failed'; readonly taskId: number; readonly id: number | string; readonly reason: string }
  | { readonly event: 'dropped'; readonly taskId: number; readonly id: number | string; readonly reason: string }
  | {
      readonly event: 'retry';
      readonly taskId: number;
      readonly id: number | string;
      readonly attempt: number;
      readonly reason: string;
    };

/** What the loop takes from outside. */
export interface ValidatorLoopDeps {
  readonly client: FlockClient;
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * Asks for assignments, has them scored and posts the results until the signal fires.
 *
 * @throws FlockError `FLOCK_CONFIG` without an arena key; nothing is sent then
 * @throws FlockError `FLOCK_AUTH` when the key is refused
 * @throws FlockError `FLOCK_PREFLIGHT` when the scorer reports a fault of this machine; the assignment is left alone
 */
export async function* validatorLoop(
  options: ValidatorLoopOptions,
  deps: ValidatorLoopDeps,
): AsyncGenerator<ValidatorEvent, void, undefined> {
  deps.client.requireKey();
  const { signal } = options;
  const call = signal === undefined ? {} : { signal };
  const now = deps.now ?? Date.now;
  const pause = deps.sleep ?? sleep;
  const lookupIntervalMs = options.lookupIntervalMs ?? 180_000;
  const idleMs = options.idleMs ?? 180_000;
  let lastLookup = Number.NEGATIVE_INFINITY;
  let settled = 0;

  for (let turn = 0; !signal?.aborted; turn++) {
    const taskId = options.taskIds[turn % options.taskIds.length];
    if (taskId === undefined) return;
    let assignment: ValidationAssignment;
    try {
      const wait = lastLookup + lookupIntervalMs - now();
      if (wait > 0) await pause(wait, signal);
      lastLookup = now();
      assignment = await deps.client.validation.request(taskId, call);
    } catch (error) {
      if (signal?.aborted) return;
      // These do not heal by waiting.
      if (hasReason(error, 'FLOCK_AUTH', 'FLOCK_CONFIG', 'FLOCK_NOT_FOUND', 'FLOCK_VALIDATION')) throw error;
      const limited = hasReason(error, 'FLOCK_RATE_LIMITED');
      const noWork = hasReason(error, 'FLOCK_NO_WORK');
      const waitMs = limited ? (error.retryAfterMs ?? idleMs) : idleMs;
      yield {
        event: 'idle',
        taskId,
        waitMs,
        reason: limited ? 'rate-limited' : noWork ? 'no-work' : 'error',
        ...(!limited && !noWork && { detail: error instanceof Error ? error.message : String(error) }),
      };
      // With no work on this task the next one is asked after the pause: polling without one is a hot loop.
      try {
        await pause(waitMs, signal);
      } catch (stopped) {
        if (signal?.aborted) return;
        throw stopped;
      }
      continue;
    }
    yield {
      event: 'assigned',
      taskId,
      id: assignment.id,
      repo: String(assignment.task_submission.data.hg_repo_id ?? ''),
    };
    yield* handle(taskId, assignment);
    settled++;
    if (options.maxAssignments !== undefined && settled >= options.maxAssignments) return;
  }

  async function* handle(
    taskId: number,
    assignment: ValidationAssignment,
  ): AsyncGenerator<ValidatorEvent, void, undefined> {
    const { id } = assignment;
    const workDir = await mkdtemp(join(options.workDir ?? tmpdir(), 'quarry-flock-eval-'));
    try {
      let verdict: ScorerVerdict | undefined;
      for (let attempt = 1; verdict === undefined; attempt++) {
        try {
          // Scoring may outlast the link, so the data is brought first; a repeat finds it here.
          const evalFile = await bringData(assignment, workDir);
          const input: JsonObject = { ...assignment.task_submission.data, ...assignment.data };
          const given = await options.scorer({ input, assignment, evalFile, taskId, attempt, signal });
          if (given.verdict === 'scored') checkMetrics(given.metrics);
          verdict = given;
        } catch (error) {
          if (signal?.aborted) return;
          const reason = error instanceof Error ? error.message : String(error);
          // A metric that is no number, or data that cannot be had, is this machine's problem.
          if (attempt >= (options.attempts ?? 3)) verdict = { verdict: 'operator', reason };
          else yield { event: 'retry', taskId, id, attempt, reason };
        }
      }
      if (verdict.verdict === 'operator') {
        throw new FlockError('FLOCK_PREFLIGHT', `scoring stopped because of this machine: ${verdict.reason}`, {
          details: { assignment: String(id), taskId },
          hint: 'The assignment was not marked as failed; put the machine right and start the loop again.',
        });
      }
      try {
        if (verdict.verdict === 'invalid') {
          await deps.client.validation.fail(id, call);
          yield { event: 'failed', taskId, id, reason: verdict.reason };
        } else {
          const { stored } = await deps.client.validation.complete(id, verdict.metrics, call);
          yield { event: 'completed', taskId, id, metrics: verdict.metrics, stored };
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (!hasReason(error, 'FLOCK_ASSIGNMENT_NOT_VALIDATING', 'FLOCK_NOT_FOUND')) throw error;
        yield { event: 'dropped', taskId, id, reason: error.message };
      }
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  }

  async function bringData(assignment: ValidationAssignment, workDir: string): Promise<string | undefined> {
    const link = DATA_KEYS.map((key) => assignment.data[key]).find((value) => typeof value === 'string');
    if (typeof link !== 'string') return undefined;
    const result = await downloadObject(
      { freshLink: async () => link, clock: deps.client.clock },
      { dest: `${workDir}/`, validateJsonl: false, maxRefresh: 0, overwrite: true, ...call },
      { now, sleep: pause, random: deps.random },
    );
    return result.path;
  }
}
