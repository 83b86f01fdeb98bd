import { Command } from 'commander';
import { LONGEST_WAIT_SECONDS } from '../../../config/index.js';
import { ensureWritableDirectory } from '../../../files/writable-directory.js';
import { externalScorer, oneLine, type ValidatorEvent, validatorLoop } from '../../../flock/index.js';
import { formatDuration, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { countArgument } from '../../parse-argument.js';
import { taskIdsArgument } from './arguments.js';
import { printEvent } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

interface LoopFlags extends FlockFlags {
  readonly scorer: string;
  readonly interval?: string | undefined;
  readonly idle?: string | undefined;
  readonly max?: string | undefined;
  readonly workDir?: string | undefined;
}

/** `quarry flock validate`: commands for validators. */
export function validateCommand(context: CliContext): Command {
  const loop = addFlockFlags(new Command('loop'))
    .description('take assignments, have your program score them, post the results, until Ctrl-C')
    .argument('<task...>', 'task ids, polled in turn', taskIdsArgument)
    .requiredOption('--scorer <command>', 'program that scores one submission')
    .option('--interval <seconds>', 'interval between lookups (default: ASSIGNMENT_LOOKUP_INTERVAL, else 180)')
    .option('--idle <seconds>', 'pause without work (default: TIME_SLEEP, else 180)')
    .option('--max <n>', 'stop after this many assignments')
    .option('--work-dir <dir>', 'directory for validation sets while scoring')
    .addHelpText(
      'after',
      `
The scorer reads one JSON object on standard input: the submission (hg_repo_id, revision, base_model, …), the
assignment (context_length, max_params, …), task_id, assignment_id and eval_file. It prints its metrics as one JSON
object and exits with 0; 10 means the submission is invalid and is reported as failed; 11 means this machine has a
problem, nothing is reported and the loop ends; anything else is retried, three times at most.

Examples:
  quarry flock validate loop 7 --scorer "python score.py"
  quarry flock validate loop 7 8 --scorer ./score.sh --max 10 --json`,
    )
    .action((tasks: number[], flags: LoopFlags) =>
      withSession(context, flags, async ({ client, env }) => {
        const seconds = (flag: string | undefined, variable: string, name: string): number =>
          (countArgument(flag ?? env[variable], name, 1, LONGEST_WAIT_SECONDS) ?? 180) * 1000;
        const maxAssignments = countArgument(flags.max, '--max');
        // Before an assignment is taken that could not be worked on.
        if (flags.workDir !== undefined) ensureWritableDirectory(flags.workDir);
        const events = validatorLoop(
          {
            taskIds: tasks,
            scorer: externalScorer({
              command: flags.scorer,
              // The scorer needs the Hub token for gated base models, but never the arena key.
              env: withoutKeys(env),
              onStderr: (chunk) => context.stderr.write(chunk),
            }),
            lookupIntervalMs: seconds(flags.interval, 'ASSIGNMENT_LOOKUP_INTERVAL', '--interval'),
            idleMs: seconds(flags.idle, 'TIME_SLEEP', '--idle'),
            signal: context.signal,
            maxAssignments,
            workDir: flags.workDir,
          },
          { client },
        );
        for await (const event of events) printEvent(context, flags, event, lineOf(event));
      }),
    );
  return new Command('validate').description('the work of a validator').addCommand(loop);
}

function withoutKeys(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const { FLOCK_API_KEY: _key, FLOCK_ARENA_API_KEY: _arena, ...rest } = env;
  return rest;
}

function lineOf(event: ValidatorEvent): string {
  const head = `${event.event.padEnd(10)} task ${event.taskId}`;
  switch (event.event) {
    case 'idle':
      return `${head}  ${event.reason}${event.detail === undefined ? '' : `: ${oneLine(event.detail)}`}, waiting ${formatDuration(event.waitMs)}`;
    case 'assigned':
      return `${head}  assignment ${event.id}  ${oneLine(event.repo)}`;
    case 'completed':
      return `${head}  assignment ${event.id}  ${toJsonLine(event.metrics)}${event.stored === 'probably' ? '  (reply lost, probably stored)' : ''}`;
    default:
      return `${head}  assignment ${event.id}  ${oneLine(event.reason)}`;
  }
}
