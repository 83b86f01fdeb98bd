import { QuarryError } from '../errors/index.js';
import { FlockError } from './errors.js';
import { isCommitHash, parseHubLink, parseRepoId, parseTaskId } from './identifiers.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { SubmissionSource } from './submission-source.js';
import { parseUtc } from './time.js';
import { type CallOptions, type FlockTransport, isAmbiguous } from './transport.js';
import type { SubmitReply, WalletSubmission } from './types.js';

/** Delays before each look at the caller's submissions after a lost response, as the row may appear late. */
const RECONCILE_DELAYS_MS = [0, 2000, 5000] as const;
/** Rows up to this much older than the attempt can still be its result, since clocks differ. */
const CLOCK_SLACK_MS = 5000;

/** A model to submit. */
export interface SubmitOptions extends CallOptions {
  /** Number of the task. */
  readonly taskId: number | string;
  /** `owner/name` of a public Hub repository. */
  readonly repo: string;
  /** Full commit hash. */
  readonly revision: string;
  /** Template name (`qwen1.5`) or Hub id (`Qwen/Qwen1.5-7B`), sent as given. */
  readonly baseModel?: string | undefined;
  /** Free text such as `NVIDIA A100-SXM4-80GB`. */
  readonly gpuType?: string | undefined;
  /** The ONNX file in the repository, for reinforcement-learning tasks. */
  readonly modelFilename?: string | undefined;
  /** The adapter file in the repository, for robotics and video tasks. */
  readonly adapterFilename?: string | undefined;
  /** Additional fields of `data`, for task families unknown to this client. */
  readonly extra?: JsonObject | undefined;
  /** `reconcile` looks for the row after a lost response and retries once if it is missing. Default. */
  readonly idempotency?: 'reconcile' | 'none' | undefined;
}

/** Outcome of a submission. */
export interface SubmitOutcome {
  /** The request body. */
  readonly sent: { readonly task_id: number; readonly data: JsonObject };
  /** The service's reply; null if it was lost and the row was found in the caller's submissions. */
  readonly reply: SubmitReply | null;
  readonly reconciled: boolean;
  /** The row that proved a reconciled submission. */
  readonly row?: WalletSubmission | undefined;
  /** Requests that may have reached the service. */
  readonly attempts: number;
}

/** Dependencies of {@link submitResult}. */
export interface SubmitDeps {
  readonly transport: FlockTransport;
  readonly submissions: SubmissionSource;
}

/**
 * Builds the request body.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when task id, repository or commit hash is malformed
 */
function submitBody(options: SubmitOptions): { task_id: number; data: JsonObject } {
  const taskId = parseTaskId(options.taskId);
  const repo = parseRepoId(options.repo);
  if (!isCommitHash(options.revision)) {
    throw new QuarryError('INVALID_ARGUMENT', '"revision" expected a commit hash of 40 hex digits', {
      hint: 'A branch can move after the submission; `quarry flock submit` resolves it to its commit.',
    });
  }
  return {
    task_id: taskId,
    data: {
      hg_repo_id: repo,
      base_model: options.baseModel,
      gpu_type: options.gpuType,
      model_filename: options.modelFilename,
      adapter_filename: options.adapterFilename,
      revision: options.revision.toLowerCase(),
      ...options.extra,
    },
  };
}

/**
 * Submits a model. The call is not idempotent, so after a lost response (timeout, reset, gateway failure) the caller's
 * submissions are checked: a new row with this repository and revision means success; otherwise it retries once.
 *
 * @throws FlockError `FLOCK_CONFIG` without a key; nothing is sent then
 * @throws FlockError `FLOCK_OUTCOME_UNKNOWN` when the response was lost and the row can be neither found nor ruled out
 */
export async function submitResult(options: SubmitOptions, deps: SubmitDeps): Promise<SubmitOutcome> {
  const body = submitBody(options);
  deps.transport.requireKey();
  const call: CallOptions = {
    signal: options.signal,
    timeoutMs: options.timeoutMs,
  };
  const reconcile = (options.idempotency ?? 'reconcile') === 'reconcile';
  const before = reconcile ? await ownRows(body.task_id, deps, call) : undefined;
  const startedAt = deps.transport.clock.now();

  const find = async (): Promise<WalletSubmission | undefined> => {
    for (const delay of RECONCILE_DELAYS_MS) {
      if (delay > 0) await deps.transport.sleep(delay, options.signal);
      const row = await findRow(body, before, startedAt, deps, call);
      if (row !== undefined) return row;
    }
    return undefined;
  };

  for (let attempt = 1; ; attempt++) {
    try {
      const { json } = await deps.transport.call({
        method: 'POST',
        path: 'tasks/submit-result',
        json: body,
        auth: true,
        ...call,
      });
      return { sent: body, reply: isJsonObject(json) ? json : { reply: json }, reconciled: false, attempts: attempt };
    } catch (error) {
      // A refusal after an ambiguous first attempt may mean that the service sees a duplicate: check the row then, too.
      const refusedRepeat = attempt > 1 && error instanceof FlockError && (error.status ?? 0) >= 400;
      if (!reconcile || !(isAmbiguous(error) || refusedRepeat)) throw error;
      let row: WalletSubmission | undefined;
      try {
        row = await find();
      } catch (cause) {
        throw outcomeUnknown('the reply was lost and your submissions cannot be read', attempt, cause);
      }
      if (row !== undefined) return { sent: body, reply: null, reconciled: true, row, attempts: attempt };
      if (refusedRepeat) throw error;
      if (attempt >= 2)
        throw outcomeUnknown('the reply was lost twice and no new submission is listed', attempt, error);
    }
  }
}

function outcomeUnknown(message: string, attempts: number, cause: unknown): FlockError {
  return new FlockError('FLOCK_OUTCOME_UNKNOWN', message, {
    cause,
    attempts,
    hint: 'Check `quarry flock subs <task> --all` before submitting again, to avoid a second row.',
  });
}

/** How often each row was present before the attempt; undefined if that cannot be read now. */
async function ownRows(
  taskId: number,
  deps: SubmitDeps,
  call: CallOptions,
): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const counts = new Map<string, number>();
    for await (const row of deps.submissions.all(taskId, call))
      counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
    return counts;
  } catch (error) {
    // With an invalid key the submission cannot succeed either. After other errors, rows are judged by their time.
    if (error instanceof FlockError && (error.reason === 'FLOCK_AUTH' || error.reason === 'FLOCK_ABORTED')) throw error;
    return undefined;
  }
}

async function findRow(
  body: { task_id: number; data: JsonObject },
  before: ReadonlyMap<string, number> | undefined,
  startedAt: number,
  deps: SubmitDeps,
  call: CallOptions,
): Promise<WalletSubmission | undefined> {
  const seen = new Map<string, number>();
  for await (const row of deps.submissions.all(body.task_id, call)) {
    const key = keyOf(row);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const link = parseHubLink(row.link);
    if (link?.repo.toLowerCase() !== String(body.data['hg_repo_id']).toLowerCase()) continue;
    if (
      link.revision !== undefined &&
      isCommitHash(link.revision) &&
      link.revision.toLowerCase() !== body.data['revision']
    ) {
      continue;
    }
    if (
      before !== undefined
        ? count > (before.get(key) ?? 0)
        : (parseUtc(row.submitted_at) ?? 0) >= startedAt - CLOCK_SLACK_MS
    ) {
      return row;
    }
  }
  return undefined;
}

function keyOf(row: WalletSubmission): string {
  return JSON.stringify([row['id'] ?? null, row.link, row.submitted_at]);
}
