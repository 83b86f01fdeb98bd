import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sleep, sleep } from '../net/index.js';
import type { FlockClient } from './client.js';
import { downloadObject } from './download/download-training-set.js';
import { FlockError, hasReason } from './errors.js';
import type { JsonObject } from './json.js';
import { type CallOptions, isAmbiguous } from './transport.js';
import type { ValidationAssignment } from './types.js';
import { checkMetrics } from './validation.js';

/** Fields that may hold the link to the validation data, the documented one first. */
const DATA_KEYS = [
  'validation_set_url',
  'validation_data_url',
  'validation_zip_url',
  'validation_manifest_url',
] as const;

/** Failures to post a result that end by themselves. */
const PASSING = ['FLOCK_NETWORK', 'FLOCK_TIMEOUT', 'FLOCK_SERVER', 'FLOCK_DECODE', 'FLOCK_RATE_LIMITED'] as const;

/** The service issues one assignment every three minutes. */
const LOOKUP_INTERVAL_MS = 180_000;

/** Input of a scorer. */
export interface ScorerInput {
  /** Fields of the submission overlaid with those of the assignment, merged like in FLock's own runner. */
  readonly input: JsonObject;
  readonly assignment: ValidationAssignment;
  /** The downloaded validation set; undefined if the assignment has none. */
  readonly evalFile: string | undefined;
  readonly taskId: number;
  /** Attempt number, from 1. */
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
}

/** A scorer's verdict. */
export type ScorerVerdict =
  | { readonly verdict: 'scored'; readonly metrics: JsonObject }
  /** The submission is invalid and is reported as failed. */
  | { readonly verdict: 'invalid'; readonly reason: string }
  /** Something is wrong with this machine: the assignment is left alone and the loop stops. */
  | { readonly verdict: 'operator'; readonly reason: string };

/** Scores one submission. A rejection is retried up to the number of attempts. */
export type Scorer = (input: ScorerInput) => Promise<ScorerVerdict>;

/** Options of the loop. */
export interface ValidatorLoopOptions {
  /** Requested in rotation. */
  readonly taskIds: readonly number[];
  /** Scores the submissions that are assigned. */
  readonly scorer: Scorer;
  /** Interval between two successful requests, milliseconds. Default 180,000, the service's limit. */
  readonly lookupIntervalMs?: number | undefined;
  /** Delay after finding no work or an error, milliseconds. Default 180,000. */
  readonly idleMs?: number | undefined;
  /** Scorer calls per assignment. Default 3. */
  readonly attempts?: number | undefined;
  /** Stops after this many settled assignments. */
  readonly maxAssignments?: number | undefined;
  /** Directory for validation sets while scoring. Default: the system's temporary directory. */
  readonly workDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** There is nothing to score now. */
export interface IdleEvent {
  readonly event: 'idle';
  readonly taskId: number;
  readonly waitMs: number;
  readonly reason: 'no-work' | 'rate-limited' | 'error';
  readonly detail?: string | undefined;
}

/** Events of the loop. */
export type ValidatorEvent =
  | { readonly event: 'assigned'; readonly taskId: number; readonly id: number | string; readonly repo: string }
  | IdleEvent
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

/** Dependencies of the loop. */
export interface ValidatorLoopDeps {
  readonly client: FlockClient;
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * Requests assignments, scores them and posts the results until the signal fires.
 *
 * @throws FlockError `FLOCK_CONFIG` without an arena key; nothing is sent then
 * @throws FlockError `FLOCK_AUTH` when the key is refused
 * @throws FlockError `FLOCK_PREFLIGHT` when the scorer reports a problem with this machine; the assignment is left
 * alone
 */
export async function* validatorLoop(
  options: ValidatorLoopOptions,
  deps: ValidatorLoopDeps,
): AsyncGenerator<ValidatorEvent, void, undefined> {
  deps.client.requireKey();
  yield* new ValidatorLoop(options, deps).run();
}

type Lookup =
  | { readonly assignment: ValidationAssignment; readonly idle?: undefined }
  | { readonly idle: IdleEvent; readonly assignment?: undefined };

class ValidatorLoop {
  readonly #options: ValidatorLoopOptions;
  readonly #client: FlockClient;
  readonly #deps: ValidatorLoopDeps;
  readonly #call: CallOptions;
  readonly #now: () => number;
  readonly #sleep: Sleep;
  #lastLookup = Number.NEGATIVE_INFINITY;

  constructor(options: ValidatorLoopOptions, deps: ValidatorLoopDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#client = deps.client;
    this.#call = { signal: options.signal };
    this.#now = deps.now ?? Date.now;
    this.#sleep = deps.sleep ?? sleep;
  }

  async *run(): AsyncGenerator<ValidatorEvent, void, undefined> {
    const { taskIds, maxAssignments = Number.POSITIVE_INFINITY, signal } = this.#options;
    let settled = 0;
    for (let turn = 0; settled < maxAssignments && !signal?.aborted; turn++) {
      const taskId = taskIds[turn % taskIds.length];
      if (taskId === undefined) return;
      const found = await this.#lookUp(taskId);
      if (found === undefined) return;
      const { assignment, idle } = found;
      if (idle !== undefined) {
        yield idle;
        // Wait before trying the next task, too: without a delay this would be a busy loop.
        if (!(await this.#pause(idle.waitMs))) return;
        continue;
      }
      const repo = String(assignment.task_submission.data.hg_repo_id ?? '');
      yield { event: 'assigned', taskId, id: assignment.id, repo };
      yield* this.#handle(taskId, assignment);
      settled++;
    }
  }

  /** The next assignment, or why there is none now; undefined if the signal fired. */
  async #lookUp(taskId: number): Promise<Lookup | undefined> {
    const { lookupIntervalMs = LOOKUP_INTERVAL_MS, signal } = this.#options;
    // A clock that was set back must not lengthen the wait.
    const leftMs = Math.min(lookupIntervalMs, this.#lastLookup + lookupIntervalMs - this.#now());
    if (!(await this.#pause(leftMs))) return undefined;
    this.#lastLookup = this.#now();
    try {
      return { assignment: await this.#client.validation.request(taskId, this.#call) };
    } catch (error) {
      if (signal?.aborted) return undefined;
      // Waiting does not fix these.
      if (hasReason(error, 'FLOCK_AUTH', 'FLOCK_CONFIG', 'FLOCK_NOT_FOUND', 'FLOCK_VALIDATION')) throw error;
      return { idle: this.#idleAfter(error, taskId) };
    }
  }

  #idleAfter(error: unknown, taskId: number): IdleEvent {
    const { idleMs = LOOKUP_INTERVAL_MS } = this.#options;
    const idle = { event: 'idle', taskId, waitMs: idleMs } as const;
    if (hasReason(error, 'FLOCK_NO_WORK')) return { ...idle, reason: 'no-work' };
    if (!hasReason(error, 'FLOCK_RATE_LIMITED')) return { ...idle, reason: 'error', detail: messageOf(error) };
    return { ...idle, reason: 'rate-limited', waitMs: error.retryAfterMs ?? idleMs };
  }

  async *#handle(taskId: number, assignment: ValidationAssignment): AsyncGenerator<ValidatorEvent, void, undefined> {
    const workDir = await mkdtemp(join(this.#options.workDir ?? tmpdir(), 'quarry-flock-eval-'));
    try {
      const verdict = yield* this.#score(taskId, assignment, workDir);
      if (verdict !== undefined) yield* this.#report(taskId, assignment.id, verdict);
    } finally {
      await rm(workDir, { recursive: true, force: true });
    }
  }

  /** The scorer's verdict, or undefined if the signal fired first. */
  async *#score(
    taskId: number,
    assignment: ValidationAssignment,
    workDir: string,
  ): AsyncGenerator<ValidatorEvent, ScorerVerdict | undefined, undefined> {
    const { scorer, attempts = 3, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        // Download the data first, as scoring may outlast the link; a retry finds it here.
        const evalFile = await this.#bringData(assignment, workDir);
        const input: JsonObject = { ...assignment.task_submission.data, ...assignment.data };
        const verdict = await scorer({ input, assignment, evalFile, taskId, attempt, signal });
        if (verdict.verdict === 'scored') checkMetrics(verdict.metrics);
        return verdict;
      } catch (error) {
        if (signal?.aborted) return undefined;
        const reason = messageOf(error);
        // A non-finite metric or unavailable data is a problem of this machine.
        if (attempt >= attempts) return { verdict: 'operator', reason };
        yield { event: 'retry', taskId, id: assignment.id, attempt, reason };
      }
    }
  }

  async *#report(
    taskId: number,
    id: number | string,
    verdict: ScorerVerdict,
  ): AsyncGenerator<ValidatorEvent, void, undefined> {
    if (verdict.verdict === 'operator') {
      throw new FlockError('FLOCK_PREFLIGHT', `scoring stopped because of this machine: ${verdict.reason}`, {
        details: { assignment: String(id), taskId },
        hint: 'The assignment was not marked as failed; fix the machine and start the loop again.',
      });
    }
    // Scoring may have taken hours: its result waits for the service, until the assignment expires there.
    for (let isLost = false; ; ) {
      try {
        yield await this.#post(taskId, id, verdict);
        return;
      } catch (error) {
        if (this.#options.signal?.aborted) return;
        if (hasReason(error, 'FLOCK_ASSIGNMENT_NOT_VALIDATING', 'FLOCK_NOT_FOUND')) {
          const { metrics } = verdict.verdict === 'scored' ? verdict : { metrics: undefined };
          yield isLost && metrics !== undefined
            ? { event: 'completed', taskId, id, metrics, stored: 'probably' }
            : { event: 'dropped', taskId, id, reason: error.message };
          return;
        }
        if (!hasReason(error, ...PASSING)) throw error;
        isLost ||= isAmbiguous(error);
        const idle = this.#idleAfter(error, taskId);
        yield idle;
        if (!(await this.#pause(idle.waitMs))) return;
      }
    }
  }

  async #post(
    taskId: number,
    id: number | string,
    verdict: Exclude<ScorerVerdict, { verdict: 'operator' }>,
  ): Promise<ValidatorEvent> {
    if (verdict.verdict === 'invalid') {
      await this.#client.validation.fail(id, this.#call);
      return { event: 'failed', taskId, id, reason: verdict.reason };
    }
    const { metrics } = verdict;
    const { stored } = await this.#client.validation.complete(id, metrics, this.#call);
    return { event: 'completed', taskId, id, metrics, stored };
  }

  async #bringData(assignment: ValidationAssignment, workDir: string): Promise<string | undefined> {
    const link = DATA_KEYS.map((key) => assignment.data[key]).find((value) => typeof value === 'string');
    if (typeof link !== 'string') return undefined;
    const result = await downloadObject(
      { freshLink: async () => link, clock: this.#client.clock },
      { dest: `${workDir}/`, validateJsonl: false, maxRefresh: 0, overwrite: true, ...this.#call },
      { now: this.#now, sleep: this.#sleep, random: this.#deps.random },
    );
    return result.path;
  }

  /** Returns false if the signal fired first. */
  async #pause(ms: number): Promise<boolean> {
    const { signal } = this.#options;
    try {
      if (ms > 0) await this.#sleep(ms, signal);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    return signal?.aborted !== true;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
