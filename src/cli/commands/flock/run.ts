import { join } from 'node:path';
import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { makeDirectory } from '../../../files/make-directory.js';
import { requireHubToken } from '../../../flock/hub/upload.js';
import { candidateBases, describeTask, formatParams } from '../../../flock/index.js';
import { runShell } from '../../../flock/run-shell.js';
import type { CliContext } from '../../context.js';
import { repoArgument, taskIdArgument } from './arguments.js';
import { progressLine } from './download.js';
import { assertSubmittable, submit, upload } from './publish.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

interface RunFlags extends FlockFlags {
  readonly repo: string;
  readonly train: string;
  readonly baseModel?: string | undefined;
  readonly gpuType?: string | undefined;
  readonly workDir: string;
  readonly yes?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** `quarry flock run`: the complete workflow of a training node around an external training program. */
export function runCommand(context: CliContext): Command {
  return addFlockFlags(new Command('run'))
    .description('download the training set, run your training program, upload, check and submit')
    .argument('<task>', 'task id', taskIdArgument)
    .requiredOption(
      '--train <command>',
      'training program; gets TASK_ID, TRAINING_SET, CONTEXT_LENGTH, MAX_PARAMS, OUTPUT_DIR',
    )
    .requiredOption('--repo <owner/name>', 'model repository on the Hub', repoArgument)
    .option('--base-model <name>', 'template name or Hub id to send')
    .option('--gpu-type <text>', 'GPU the model was trained on')
    .option('--work-dir <dir>', 'directory for data and outputs', 'flock-work')
    .option('--force', 'submit even if a check failed')
    .option('--yes', 'do not ask before submitting')
    .addHelpText(
      'after',
      '\nExample:\n  quarry flock run 7 --train "python train.py" --repo alice/task-7-model --base-model qwen1.5 --yes',
    )
    .action((task: number, flags: RunFlags) =>
      withSession(context, flags, async (session) => {
        await assertSubmittable(context, session, flags);
        requireHubToken(session.hfToken);
        const { client, say, env } = session;
        const detail = await client.tasks.get(task, { signal: context.signal });
        const view = describeTask(detail, client.clock.now());
        say(`task ${view.id}  ${view.title}  ${view.countdown}`);
        if (view.maxParams !== undefined) {
          const fitting = candidateBases(view.maxParams).map(({ name, params }) => `${name} (${formatParams(params)})`);
          say(`known bases within ${formatParams(view.maxParams)}: ${fitting.join(', ')}`);
        }
        const dir = join(flags.workDir, `task-${view.id}`);
        const output = join(dir, 'outputs');
        makeDirectory(output);
        const dest = join(dir, 'training_set.jsonl');
        let trainingSet = dest;
        try {
          const got = await client.tasks.downloadTrainingSet(view.id, {
            dest,
            signal: context.signal,
            ...(!flags.quiet && { onProgress: progressLine(context) }),
          });
          trainingSet = got.path;
        } catch (error) {
          if (!(error instanceof QuarryError) || error.code !== 'ALREADY_EXISTS') throw error;
          say(`using ${dest} from before`);
        }
        await train(context, flags.train, {
          ...env,
          TASK_ID: String(view.id),
          TRAINING_SET: trainingSet,
          OUTPUT_DIR: output,
          ...(view.contextLength !== undefined && { CONTEXT_LENGTH: String(view.contextLength) }),
          ...(view.maxParams !== undefined && { MAX_PARAMS: String(view.maxParams) }),
        });
        const uploaded = await upload(context, session, flags.repo, {
          ...flags,
          dir: output,
          xet: true,
          exclude: ['checkpoint-*/**'],
        });
        if (uploaded.oid === null) return;
        await submit(context, session, view.id, { ...flags, repo: uploaded.repo, revision: uploaded.oid });
      }),
    );
}

/** The program's output goes to stderr, as stdout is for data. */
async function train(context: CliContext, command: string, env: Record<string, string | undefined>): Promise<void> {
  const pass = (chunk: Buffer): true => {
    context.stderr.write(chunk);
    return true;
  };
  const code = await runShell({ command, env, onStdout: pass, onStderr: pass, signal: context.signal });
  if (code === 0) return;
  throw new QuarryError(
    'FAILED_PRECONDITION',
    `the training program ended ${code === null ? 'by a signal' : `with status ${code}`}`,
  );
}
