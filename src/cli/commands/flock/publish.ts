import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import {
  gpuTypeForSubmission,
  type JsonObject,
  oneLine,
  type PreflightCheck,
  submitChecked,
  type UploadEvent,
  type UploadResult,
  uploadFolder,
} from '../../../flock/index.js';
import { type Column, formatBytes, renderTable, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { wholeNumber } from '../../parse-argument.js';
import { say, tell } from '../../print.js';
import { repoArgument, taskIdArgument } from './arguments.js';
import { isMachineReadable, printRecord } from './print.js';
import { addFlockFlags, type FlockFlags, type FlockSession, withSession } from './settings.js';

interface UploadFlags extends FlockFlags {
  readonly dir: string;
  readonly requireNew?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly xet: boolean;
  readonly message?: string | undefined;
  readonly private?: boolean | undefined;
  readonly include?: string[] | undefined;
  readonly exclude?: string[] | undefined;
  readonly follow?: boolean | undefined;
}

interface SubmitFlags extends FlockFlags {
  readonly repo: string;
  readonly revision?: string | undefined;
  readonly baseModel?: string | undefined;
  readonly gpuType?: string | undefined;
  readonly modelFilename?: string | undefined;
  readonly dailyLimit?: number | undefined;
  readonly force?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

function addUploadFlags(command: Command): Command {
  return command
    .option('--dir <folder>', 'folder to upload', 'outputs')
    .option('--require-new', 'fail when the repository exists')
    .option('--dry-run', 'only list the files to upload')
    .option('--no-xet', 'plain transfer of large files')
    .option('--message <text>', 'title of the commit')
    .option('--private', 'make a new repository private (validators cannot read it)')
    .option('--include <patterns...>', 'only these files, for example "*.safetensors"')
    .option('--exclude <patterns...>', 'exclude these files, for example "checkpoint-*/**"')
    .option('--follow', 'follow symbolic links that lead out of the folder');
}

function addSubmitFlags(command: Command): Command {
  return command
    .requiredOption('--repo <owner/name>', 'model repository on the Hub', repoArgument)
    .option('--base-model <name>', 'template name (qwen1.5) or Hub id (Qwen/Qwen1.5-7B), sent as given')
    .option('--gpu-type <text>', 'GPU the model was trained on (default: FLOCK_GPU_TYPE, else the first GPU here)')
    .option('--model-filename <file>', 'ONNX file, for reinforcement-learning tasks')
    .option('--daily-limit <n>', 'warn from this many submissions per task and day', wholeNumber, 2)
    .option('--force', 'submit even if a check failed')
    .option('--yes', 'do not ask before submitting');
}

/** `quarry flock upload`: uploads a model folder to the Hugging Face Hub. */
export function uploadCommand(context: CliContext): Command {
  return addUploadFlags(addFlockFlags(new Command('upload')))
    .description('upload a model folder to the Hugging Face Hub in one commit; with --quiet prints only its hash')
    .argument('<owner/repo>', 'repository; a bare name uses your own namespace', repoArgument)
    .addHelpText(
      'after',
      '\nNeeds HF_TOKEN with write access.\n\nExamples:\n  quarry flock upload alice/task-7-model --dir outputs\n  REV=$(quarry flock upload alice/task-7-model --quiet)',
    )
    .action((repo: string, flags: UploadFlags) =>
      withSession(context, flags, async (session) => {
        const result = await upload(context, session, repo, flags);
        for (const warning of result.warnings) session.say(`warning: ${warning}`);
        if (flags.quiet && !isMachineReadable(flags)) say(context, result.oid ?? '');
        else
          printRecord(
            context,
            flags,
            { ...result, files: [...result.files], warnings: [...result.warnings] },
            uploadFields(result, flags),
          );
      }),
    );
}

/** `quarry flock submit`: checks, then submits a model. */
export function submitCommand(context: CliContext): Command {
  return addSubmitFlags(addFlockFlags(new Command('submit')))
    .description("run the validators' checks on a Hub model, then submit it")
    .argument('<task>', 'task id', taskIdArgument)
    .option('--revision <hash|branch>', 'commit to submit; a branch is resolved', 'main')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock submit 7 --repo alice/task-7-model --base-model qwen1.5\n  quarry flock submit 7 --repo alice/task-7-model --revision $REV --gpu-type "RTX 4090" --yes --json',
    )
    .action((task: number, flags: SubmitFlags) =>
      withSession(context, flags, (session) => submit(context, session, task, flags)),
    );
}

/** `quarry flock publish`: uploads, checks and submits in one step. */
export function publishCommand(context: CliContext): Command {
  return addUploadFlags(addSubmitFlags(addFlockFlags(new Command('publish'))))
    .description('upload a model folder, check it, submit it')
    .argument('<task>', 'task id', taskIdArgument)
    .addHelpText(
      'after',
      '\nExample:\n  quarry flock publish 7 --repo alice/task-7-model --dir outputs --base-model qwen1.5 --yes',
    )
    .action((task: number, flags: UploadFlags & SubmitFlags) =>
      withSession(context, flags, async (session) => {
        if (!flags.dryRun) await assertSubmittable(context, session, flags);
        const uploaded = await upload(context, session, flags.repo, flags);
        session.say(
          uploaded.oid === null
            ? `would upload ${uploaded.files.length} files`
            : `${uploaded.unchanged ? 'unchanged' : 'uploaded'}  ${uploaded.url}`,
        );
        if (flags.dryRun || uploaded.oid === null) return;
        await submit(context, session, task, { ...flags, repo: uploaded.repo, revision: uploaded.oid });
      }),
    );
}

/** Uploads, with progress on stderr. */
export async function upload(
  context: CliContext,
  session: FlockSession,
  repo: string,
  flags: UploadFlags,
): Promise<UploadResult> {
  return uploadFolder({
    repo,
    dir: flags.dir,
    requireNew: flags.requireNew === true,
    dryRun: flags.dryRun === true,
    useXet: flags.xet,
    visibility: flags.private ? 'private' : 'public',
    followSymlinks: flags.follow === true,
    signal: context.signal,
    onEvent: (event) => session.say(uploadLine(event)),
    message: flags.message,
    include: flags.include,
    exclude: flags.exclude,
    token: session.hfToken,
    hubUrl: session.hubUrl,
  });
}

/**
 * Checks what submitting needs. To be called before the training and uploading that come first, which may take hours.
 *
 * @returns the GPU to name; `undefined` where the task wants none
 * @throws FlockError `FLOCK_CONFIG` when there is no arena key
 * @throws QuarryError `USAGE` when it would ask, and there is no terminal
 */
export async function assertSubmittable(
  context: CliContext,
  session: FlockSession,
  flags: Pick<SubmitFlags, 'yes' | 'gpuType' | 'modelFilename'>,
): Promise<{ readonly gpuType: string | undefined }> {
  session.client.requireKey();
  if (!flags.yes && !isTty(context.stdin)) {
    throw new QuarryError('USAGE', 'submitting from a script needs --yes', {
      hint: 'Without a terminal it cannot ask; add --yes.',
    });
  }
  if (flags.modelFilename !== undefined) return { gpuType: undefined };
  return { gpuType: await gpuTypeForSubmission(flags.gpuType ?? session.gpuType) };
}

/** Shows the checks, asks for confirmation, submits, and shows the reply. */
export async function submit(
  context: CliContext,
  session: FlockSession,
  task: number,
  flags: SubmitFlags,
): Promise<void> {
  const { gpuType } = await assertSubmittable(context, session, flags);
  const { report, outcome } = await submitChecked(
    {
      taskId: task,
      repo: flags.repo,
      force: flags.force === true,
      signal: context.signal,
      revision: flags.revision,
      baseModel: flags.baseModel,
      gpuType,
      modelFilename: flags.modelFilename,
      dailyLimit: flags.dailyLimit,
      hubUrl: session.hubUrl,
      confirm: async ({ checks, ok }) => {
        if (!flags.quiet) tell(context, checksTable(checks, context));
        if (!ok && !flags.force) return false;
        if (flags.yes) return true;
        return ask(context, `Submit to task ${task}? [y/N] `);
      },
    },
    { client: session.client, ledger: session.ledger },
  );
  if (outcome === undefined) {
    session.say('not submitted');
    return;
  }
  const wire = { ...outcome, report: { ok: report.ok, checks: report.checks.map((check) => ({ ...check })) } };
  printRecord(context, flags, wire as unknown as JsonObject, [
    ['submitted', outcome.reconciled ? 'yes; the reply was lost but the row was found' : 'yes'],
    ['task', report.taskId],
    ...Object.entries(outcome.sent.data).map(
      ([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const,
    ),
    ['reply', outcome.reply === null ? undefined : oneLine(toJsonLine(outcome.reply))],
  ]);
}

const CHECK_COLUMNS: readonly Column<PreflightCheck>[] = [
  { header: 'CHECK', value: (check) => check.name },
  { header: 'RESULT', value: (check) => check.result },
  { header: 'DETAIL', value: (check) => check.detail, shrink: 1 },
];

function checksTable(checks: readonly PreflightCheck[], context: CliContext): string {
  return renderTable(checks, CHECK_COLUMNS, {
    bold: context.errStyle.bold,
    columns: context.columns,
  });
}

async function ask(context: CliContext, question: string): Promise<boolean> {
  const lines = createInterface({ input: context.stdin, output: context.stderr as Writable });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question, { signal: context.signal })).trim());
  } finally {
    lines.close();
  }
}

function isTty(stream: Readable): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

function uploadLine(event: UploadEvent): string {
  switch (event.event) {
    case 'scanned':
      return `found      ${event.files} files, ${formatBytes(event.bytes)}`;
    case 'created':
      return `created    ${event.repo}`;
    case 'uploading':
      return `uploading  ${event.files} changed files, ${formatBytes(event.bytes)}`;
    case 'stored':
      return `stored     object ${event.objects}`;
    default:
      return event.event;
  }
}

function uploadFields(result: UploadResult, flags: UploadFlags): (readonly [string, unknown])[] {
  return [
    ['repository', result.repo],
    ['commit', result.oid],
    ['url', result.url],
    [
      'result',
      flags.dryRun
        ? 'dry run'
        : result.unchanged
          ? 'unchanged, no commit created'
          : result.reconciled
            ? 'committed; the reply was lost'
            : 'committed',
    ],
    ['files', result.files.length],
    ['size', formatBytes(result.bytes)],
    ...(flags.dryRun ? result.files.map((file) => ['', file] as const) : []),
  ];
}
