import { Command } from 'commander';
import { LONGEST_WAIT_SECONDS } from '../../../config/index.js';
import { QuarryError } from '../../../errors/index.js';
import {
  type FlockClient,
  formatCountdown,
  oneLine,
  type RankEvent,
  type ScoreEvent,
  type TaskEvent,
} from '../../../flock/index.js';
import { runShell } from '../../../flock/run-shell.js';
import { HttpClient } from '../../../net/index.js';
import type { CliContext } from '../../context.js';
import { countArgument, httpUrl } from '../../parse-argument.js';
import { taskIdArgument, walletArgument } from './arguments.js';
import { printEvent } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

interface WatchFlags extends FlockFlags {
  readonly interval: string;
  readonly status?: string | undefined;
  readonly state?: string | undefined;
  readonly existing?: boolean | undefined;
  readonly exec?: string | undefined;
  readonly webhook?: string | undefined;
  readonly scores?: number | undefined;
  readonly ranks?: number | undefined;
  readonly validators?: boolean | undefined;
  readonly wallet?: string | undefined;
}

/** `quarry flock watch`: watches tasks as they open, change, near their deadline and end; or scores; or ranks. */
export function watchCommand(context: CliContext): Command {
  return addFlockFlags(new Command('watch'))
    .description('follow the tasks, or the scores of your submissions, or a ranking, until Ctrl-C')
    .option('--interval <seconds>', 'seconds between polls, at least 15', '60')
    .option('--status <names>', 'statuses to follow, comma-separated', 'submission_phase')
    .option('--state <file>', 'remember what was seen between runs')
    .option('--existing', 'also report what is there at the first poll')
    .option('--exec <command>', 'command run for every event, with the event as JSON on its standard input')
    .option('--webhook <url>', 'POST every event as JSON', httpUrl)
    .option('--scores <task>', 'follow the scores of your submissions to this task instead', taskIdArgument)
    .option(
      '--ranks <task>',
      'follow the ranking of this task instead (undocumented endpoint of the service)',
      taskIdArgument,
    )
    .option('--validators', 'with --ranks: of the validators instead of the models')
    .option('--wallet <address>', 'with --ranks: only this wallet', walletArgument)
    .addHelpText(
      'after',
      "\nExamples:\n  quarry flock watch --state ~/.flock-watch.json --exec 'jq -r .title | xargs notify-send'\n  quarry flock watch --json\n  quarry flock watch --scores 7\n  quarry flock watch --ranks 7 --wallet 0xB93A9c73751Bbca8E1924954271ee8d4De5747c9",
    )
    .action((flags: WatchFlags) =>
      withSession(context, flags, async ({ client, say, env }) => {
        const intervalMs = (countArgument(flags.interval, '--interval', 15, LONGEST_WAIT_SECONDS) ?? 60) * 1000;
        const { signal } = context;
        if (flags.scores !== undefined && flags.ranks !== undefined) {
          throw new QuarryError('USAGE', '--scores and --ranks exclude each other');
        }
        if (flags.ranks === undefined && (flags.validators || flags.wallet !== undefined)) {
          throw new QuarryError('USAGE', '--validators and --wallet need --ranks');
        }
        const events = followed(client, flags, { intervalMs, signal, emitExisting: flags.existing === true });
        const http = new HttpClient();
        try {
          for await (const event of events) {
            printEvent(context, flags, event, eventLine(event));
            try {
              if (flags.exec !== undefined) {
                const code = await runShell({
                  command: flags.exec,
                  env,
                  input: `${JSON.stringify(event)}\n`,
                  onStderr: (chunk) => context.stderr.write(chunk),
                  timeoutMs: 60_000,
                  signal,
                });
                if (code !== 0)
                  say(`warning: the --exec command ended ${code === null ? 'by a signal' : `with status ${code}`}`);
              }
              if (flags.webhook !== undefined) {
                const answer = await http.request({
                  method: 'POST',
                  url: flags.webhook,
                  json: event,
                  retry: { attempts: 3 },
                  signal,
                });
                await answer.discard();
              }
            } catch (error) {
              if (signal.aborted) return;
              // A failing hook must not end the watch.
              say(`warning: ${error instanceof Error ? error.message : String(error)}`);
            }
          }
        } finally {
          await http.close();
        }
      }),
    );
}

type AnyEvent = TaskEvent | ScoreEvent | RankEvent;

function followed(
  client: FlockClient,
  flags: WatchFlags,
  options: { readonly intervalMs: number; readonly signal: AbortSignal; readonly emitExisting: boolean },
): AsyncGenerator<AnyEvent, void, undefined> {
  if (flags.scores !== undefined) return client.submissions.watch(flags.scores, options);
  if (flags.ranks !== undefined) {
    return client.leaderboard.watch(flags.ranks, {
      ...options,
      validators: flags.validators === true,
      ...(flags.wallet !== undefined && { wallet: flags.wallet }),
    });
  }
  return client.tasks.watch({
    ...options,
    statuses: (flags.status ?? 'submission_phase').split(',').map((name) => name.trim()),
    stateFile: flags.state,
  });
}

function eventLine(event: AnyEvent): string {
  const at = 'at' in event ? `${event.at.slice(0, 19).replace('T', ' ')}  ` : '';
  const task = 'id' in event ? `  ${event.id}  ${oneLine(event.title)}` : '';
  return `${at}${event.event.padEnd(16)}${task}${detailOf(event)}`;
}

function detailOf(event: AnyEvent): string {
  switch (event.event) {
    case 'task-changed': {
      const changes = Object.entries(event.fields).map(
        ([key, { from, to }]) => `${key}: ${short(from)} -> ${short(to)}`,
      );
      return `  ${changes.join(', ')}`;
    }
    case 'task-left':
      return `  now ${oneLine(event.status ?? 'gone')}`;
    case 'task-finalized':
      return `  winner ${oneLine(event.final_link ?? 'not named')}`;
    case 'deadline':
      return `  ${formatCountdown(event.msLeft)} left`;
    case 'degraded':
      return `  ${event.failures} failures: ${oneLine(event.reason)}`;
    case 'submission-added':
      return `  ${oneLine(event.link)}`;
    case 'phase-score':
    case 'final-score':
      return `  ${oneLine(event.link)}  ${event.from ?? 'none'} -> ${event.to ?? 'none'}`;
    case 'rank':
      return `  ${oneLine(event.wallet)}  ${event.from ?? 'none'} -> ${event.to ?? 'none'}`;
    default:
      return '';
  }
}

function short(value: unknown): string {
  const text = oneLine(typeof value === 'string' ? value : JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
