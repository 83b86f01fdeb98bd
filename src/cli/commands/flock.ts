import { Command } from 'commander';
import type { CliContext } from '../context.js';
import { demoCommand } from './flock/demo.js';
import { doctorCommand, gpuCommand, healthCommand } from './flock/doctor.js';
import { downloadCommand } from './flock/download.js';
import { publishCommand, submitCommand, uploadCommand } from './flock/publish.js';
import { runCommand } from './flock/run.js';
import { leaderboardCommand, statsCommand, walletCommand } from './flock/stats.js';
import { subsCommand } from './flock/submissions.js';
import { countdownCommand, taskCommand, tasksCommand } from './flock/tasks.js';
import { validateCommand } from './flock/validate.js';
import { watchCommand } from './flock/watch.js';

/** `quarry flock`: tasks, submissions, uploads and validation on FLock's AI Arena. */
export function flockCommand(context: CliContext): Command {
  const command = new Command('flock')
    .description("FLock's AI Arena: tasks, training sets, uploads, submissions, validation, statistics")
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failure, 2 usage, 3 configuration (a key is missing or refused), 4 network unreachable,
130 interrupted. With --json the error says which failure it was: {"error":{"code":…,"details":{"reason":…}}}.

Start here:
  quarry flock demo     the whole arena on this machine, and a tour of it
  quarry flock tasks    the open tasks`,
    );
  const factories = [
    (inner: CliContext) => demoCommand(inner, flockCommand),
    healthCommand,
    tasksCommand,
    taskCommand,
    countdownCommand,
    downloadCommand,
    watchCommand,
    subsCommand,
    uploadCommand,
    submitCommand,
    publishCommand,
    runCommand,
    statsCommand,
    walletCommand,
    leaderboardCommand,
    validateCommand,
    gpuCommand,
    doctorCommand,
  ];
  for (const factory of factories) command.addCommand(factory(context));
  return command;
}
