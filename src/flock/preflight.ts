import { BASE_MODEL_PARAMS, BASE_MODELS_AS_OF, SUPPORTED_BASES, TEMPLATE_KEYS, templateKeyFor } from './base-models.js';
import type { FlockClient } from './client.js';
import { describeTask, formatParams } from './describe-task.js';
import { FlockError, hasReason } from './errors.js';
import { countParams } from './hub/count-params.js';
import type { HubApi, HubModel } from './hub/hub-api.js';
import { isCommitHash, parseHubLink, parseRepoId, parseTaskId } from './identifiers.js';
import { isJsonObject } from './json.js';
import { oneLine } from './remote-text.js';
import type { SubmissionLedger } from './submission-ledger.js';
import { formatUtc } from './time.js';
import type { TaskDetail } from './types.js';

/** Warn if less time than this is left before the deadline. */
const SHORT_TIME_MS = 600_000;
const DAY_MS = 86_400_000;

/** A submission to check. */
export interface PreflightOptions {
  /** Number of the task. */
  readonly taskId: number | string;
  /** `owner/name` of a public Hub repository. */
  readonly repo: string;
  /** Commit, branch or tag. Default `main`; branches are resolved to their commit. */
  readonly revision?: string | undefined;
  /** Template name (`qwen1.5`) or Hub id (`Qwen/Qwen1.5-7B`). */
  readonly baseModel?: string | undefined;
  /** The ONNX file in the repository, for reinforcement-learning tasks. */
  readonly modelFilename?: string | undefined;
  /** Warn from this many submissions to this task in 24 h from this machine. Default 2. */
  readonly dailyLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Result of one check. */
export interface PreflightCheck {
  readonly name:
    | 'task'
    | 'deadline'
    | 'key'
    | 'repository'
    | 'revision'
    | 'weights'
    | 'base model'
    | 'template'
    | 'parameters'
    | 'duplicate'
    | 'daily limit';
  readonly result: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

/** All results, and what would be submitted. */
export interface PreflightReport {
  readonly ok: boolean;
  readonly checks: readonly PreflightCheck[];
  readonly taskId: number;
  readonly repo: string;
  /** Commit hash that the revision resolved to. */
  readonly revision: string | undefined;
  readonly task: TaskDetail | undefined;
}

/** Dependencies of {@link preflight}. */
export interface PreflightDeps {
  readonly client: FlockClient;
  /** Must have no token, so that the checks see what validators see. */
  readonly hub: HubApi;
  readonly ledger?: SubmissionLedger | undefined;
}

/**
 * Checks a submission like the service and its validators will: task open, key accepted, repository public, weights
 * present, base supported, size within the limit, not submitted before.
 *
 * @throws FlockError `FLOCK_CONFIG` without an arena key; nothing is sent then
 */
export async function preflight(options: PreflightOptions, deps: PreflightDeps): Promise<PreflightReport> {
  const taskId = parseTaskId(options.taskId);
  const repo = parseRepoId(options.repo);
  deps.client.requireKey();
  const call = { signal: options.signal };
  const checks: PreflightCheck[] = [];
  const note = (name: PreflightCheck['name'], result: PreflightCheck['result'], detail: string): void => {
    checks.push({ name, result, detail });
  };

  let task: TaskDetail | undefined;
  try {
    task = await deps.client.tasks.get(taskId, call);
    checkTask(task, deps.client.clock.now(), note);
  } catch (error) {
    if (!hasReason(error, 'FLOCK_NOT_FOUND')) throw error;
    note('task', 'fail', `unknown task ${taskId}`);
  }

  const own: { repo: string; revision: string | undefined }[] = [];
  let listed = false;
  try {
    for await (const row of deps.client.submissions.all(taskId, call)) {
      const link = parseHubLink(row.link);
      if (link !== undefined) own.push({ repo: link.repo.toLowerCase(), revision: link.revision?.toLowerCase() });
    }
    listed = true;
    note('key', 'ok', 'the service accepts the key');
  } catch (error) {
    if (!(error instanceof FlockError) || error.reason === 'FLOCK_ABORTED') throw error;
    note('key', error.reason === 'FLOCK_AUTH' ? 'fail' : 'warn', oneLine(error.message));
  }

  const model = await deps.hub.model(repo, options.revision ?? 'main', call);
  if (model === undefined) {
    const there = options.revision === undefined ? undefined : await deps.hub.model(repo, 'main', call);
    if (there === undefined) note('repository', 'fail', `${repo} does not exist or is not public`);
    else note('revision', 'fail', `${repo} has no revision ${options.revision}`);
  } else {
    checkRepository(repo, model, options.revision, note);
    const lora = await checkWeights(repo, model, options, deps.hub, note, call);
    const limit = task === undefined ? undefined : describeTask(task, 0).maxParams;
    if (options.modelFilename === undefined) await checkParams(repo, model, lora, limit, deps.hub, note, call);
    const same = own.filter((row) => row.repo === repo.toLowerCase());
    if (same.some((row) => row.revision === model.sha.toLowerCase())) {
      note('duplicate', 'fail', 'this repository and revision are already among your submissions');
    } else if (same.some((row) => row.revision === undefined)) {
      note('duplicate', 'warn', 'this repository was submitted before; the service does not say at which revision');
    } else
      note('duplicate', listed ? 'ok' : 'warn', listed ? 'not submitted before' : 'your submissions cannot be read');
  }

  if (deps.ledger !== undefined) {
    const made = await deps.ledger.since(taskId, deps.client.clock.now() - DAY_MS);
    const limit = options.dailyLimit ?? 2;
    note(
      'daily limit',
      made.length >= limit ? 'warn' : 'ok',
      `${made.length} submitted from this machine in 24 h (warns at ${limit})`,
    );
  }
  return {
    ok: checks.every((check) => check.result !== 'fail'),
    checks,
    taskId,
    repo,
    revision: model?.sha,
    task,
  };
}

type Note = (name: PreflightCheck['name'], result: PreflightCheck['result'], detail: string) => void;

function checkTask(task: TaskDetail, nowMs: number, note: Note): void {
  const view = describeTask(task, nowMs);
  if (task.status !== 'submission_phase')
    note('task', 'fail', `"${view.title}" is ${view.status}, not in submission_phase`);
  else note('task', 'ok', `"${view.title}" takes submissions`);
  if (view.msLeft === undefined || view.submissionsCloseAt === undefined) note('deadline', 'warn', 'the task has none');
  else {
    const result = view.msLeft <= 0 ? 'fail' : view.msLeft < SHORT_TIME_MS ? 'warn' : 'ok';
    note(
      'deadline',
      result,
      `${formatUtc(view.submissionsCloseAt)} UTC, ${view.countdown}${view.msLeft > 0 ? ' left' : ''}`,
    );
  }
}

function checkRepository(repo: string, model: HubModel, asked: string | undefined, note: Note): void {
  if (model.private) note('repository', 'fail', `${repo} is private: validators cannot read it`);
  else if (model.gated) note('repository', 'fail', `${repo} is gated: validators cannot read it`);
  else note('repository', 'ok', `${repo} is public`);
  if (!isCommitHash(model.sha)) note('revision', 'fail', 'the Hub gave no full commit hash');
  else if (asked !== undefined && isCommitHash(asked)) note('revision', 'ok', model.sha);
  else note('revision', 'ok', `${asked ?? 'main'} is ${model.sha}`);
}

/** Returns the base model if the repository holds a LoRA adapter. */
async function checkWeights(
  repo: string,
  model: HubModel,
  options: PreflightOptions,
  hub: HubApi,
  note: Note,
  call: { signal?: AbortSignal | undefined },
): Promise<{ base: string | undefined } | undefined> {
  const has = (pattern: RegExp): boolean => model.files.some((file) => pattern.test(file));
  if (options.modelFilename !== undefined) {
    const there = model.files.includes(options.modelFilename);
    note('weights', there ? 'ok' : 'fail', `${options.modelFilename} is ${there ? 'there' : 'not in the repository'}`);
    return undefined;
  }
  const adapter = model.files.includes('adapter_config.json');
  if (adapter && has(/^adapter_model\.[^/]+$/)) note('weights', 'ok', 'LoRA adapter');
  else if (adapter) note('weights', 'fail', 'adapter_config.json without adapter_model.*');
  else if (has(/\.safetensors$/)) note('weights', 'ok', 'full model; many validators score LoRA adapters only');
  else note('weights', 'fail', 'no adapter and no safetensors file');
  if (!adapter) return undefined;

  const bytes = await hub.file(repo, model.sha, 'adapter_config.json', undefined, call);
  const base = baseOf(bytes);
  if (base === undefined) note('base model', 'fail', 'adapter_config.json names no base_model_name_or_path');
  else if (SUPPORTED_BASES.includes(base)) note('base model', 'ok', base);
  else note('base model', 'warn', `${base} is not a known supported base (as of ${BASE_MODELS_AS_OF})`);
  checkTemplate(options.baseModel, base, note);
  return { base };
}

function checkTemplate(given: string | undefined, base: string | undefined, note: Note): void {
  const expected = base === undefined ? undefined : templateKeyFor(base);
  if (given === undefined)
    note('template', 'warn', `no --base-model given${expected === undefined ? '' : `; ${expected} fits the base`}`);
  else if (given.includes('/')) note('template', given === base ? 'ok' : 'warn', `Hub id ${given} is sent as given`);
  else if (!TEMPLATE_KEYS.includes(given)) note('template', 'warn', `${given} is not a known template name`);
  else if (expected !== undefined && expected !== given)
    note('template', 'warn', `${given} is sent, but ${expected} fits the base`);
  else note('template', 'ok', given);
}

function baseOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    const config: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const base = isJsonObject(config) ? config['base_model_name_or_path'] : undefined;
    return typeof base === 'string' && base !== '' ? oneLine(base) : undefined;
  } catch {
    return undefined;
  }
}

async function checkParams(
  repo: string,
  model: HubModel,
  lora: { base: string | undefined } | undefined,
  limit: number | undefined,
  hub: HubApi,
  note: Note,
  call: { signal?: AbortSignal | undefined },
): Promise<void> {
  const safetensors = model.files.filter((file) => file.endsWith('.safetensors'));
  let count: number | undefined;
  let of = 'model';
  if (lora === undefined) count = await countParams(hub, repo, model.sha, safetensors, call);
  else if (lora.base !== undefined) {
    // The adapter is merged into its base before parameters are counted.
    of = 'base model';
    const known = BASE_MODEL_PARAMS[lora.base];
    count = known ?? (/^[\w.-]+\/[\w.-]+$/.test(lora.base) ? await hub.paramsOf(lora.base, call) : undefined);
  }
  if (count === undefined) note('parameters', 'warn', `the parameters of the ${of} cannot be counted`);
  else if (limit === undefined) note('parameters', 'warn', `${of} has ${formatParams(count)}; the task has no limit`);
  else
    note(
      'parameters',
      count <= limit ? 'ok' : 'fail',
      `${of} has ${formatParams(count)}, at most ${formatParams(limit)} allowed`,
    );
}
