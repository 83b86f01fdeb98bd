import type { FlockClient } from './client.js';
import { FlockError } from './errors.js';
import { HubApi } from './hub/hub-api.js';
import type { JsonObject } from './json.js';
import { type PreflightReport, preflight } from './preflight.js';
import type { SubmissionLedger } from './submission-ledger.js';
import type { SubmitOutcome } from './submit-result.js';

/** A model to check and submit. */
export interface CheckedSubmitOptions {
  /** Number of the task. */
  readonly taskId: number | string;
  /** `owner/name` of a public Hub repository. */
  readonly repo: string;
  /** Commit, branch or tag. Default `main`. */
  readonly revision?: string | undefined;
  /** Template name (`qwen1.5`) or Hub id (`Qwen/Qwen1.5-7B`), sent as given. */
  readonly baseModel?: string | undefined;
  /** Free text such as `NVIDIA A100-SXM4-80GB`. */
  readonly gpuType?: string | undefined;
  /** The ONNX file in the repository, for reinforcement-learning tasks. */
  readonly modelFilename?: string | undefined;
  /** Additional fields of `data`, for task families unknown to this client. */
  readonly extra?: JsonObject | undefined;
  /** Submit even if a check failed. */
  readonly force?: boolean | undefined;
  /** Warn from this many submissions to this task in 24 h from this machine. Default 2. */
  readonly dailyLimit?: number | undefined;
  /** Called with the results before anything is sent; false cancels. */
  readonly confirm?: ((report: PreflightReport) => Promise<boolean> | boolean) | undefined;
  /** Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies of {@link submitChecked}. */
export interface CheckedSubmitDeps {
  readonly client: FlockClient;
  readonly ledger?: SubmissionLedger | undefined;
}

/** Check results and outcome of a submission. */
export interface CheckedSubmitResult {
  readonly report: PreflightReport;
  /** Undefined if `confirm` returned false. */
  readonly outcome: SubmitOutcome | undefined;
}

/**
 * Runs the preflight checks, then submits the commit that the revision resolves to.
 *
 * @throws FlockError `FLOCK_PREFLIGHT` when a check failed and `force` is not set
 */
export async function submitChecked(
  options: CheckedSubmitOptions,
  deps: CheckedSubmitDeps,
): Promise<CheckedSubmitResult> {
  const hub = new HubApi(options.hubUrl === undefined ? {} : { hubUrl: options.hubUrl });
  let report: PreflightReport;
  try {
    report = await preflight(options, { ...deps, hub });
  } finally {
    await hub.close();
  }
  const goOn = (await options.confirm?.(report)) ?? true;
  if (!report.ok && !options.force) {
    const failed = report.checks.filter((check) => check.result === 'fail');
    throw new FlockError(
      'FLOCK_PREFLIGHT',
      `not submitted: ${failed.map((check) => `${check.name}: ${check.detail}`).join('; ')}`,
      {
        hint: 'Fix this, or pass --force to submit anyway.',
      },
    );
  }
  // Even with `force`, a commit hash is needed: the resolved one or the caller's.
  const revision = report.revision ?? options.revision;
  if (revision === undefined) {
    throw new FlockError('FLOCK_PREFLIGHT', 'not submitted: the commit hash is unknown', {
      hint: 'Pass --revision with the full commit hash.',
    });
  }
  if (!goOn) return { report, outcome: undefined };
  const outcome = await deps.client.submissions.submit({
    taskId: report.taskId,
    repo: report.repo,
    revision,
    baseModel: options.baseModel,
    gpuType: options.gpuType,
    modelFilename: options.modelFilename,
    extra: options.extra,
    signal: options.signal,
  });
  await deps.ledger?.append({
    at: new Date(deps.client.clock.now()).toISOString(),
    taskId: report.taskId,
    repo: report.repo,
    revision,
  });
  return { report, outcome };
}
