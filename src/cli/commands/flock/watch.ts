import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { runCommand } from '../../../flock/external-scorer.js';
import { formatCountdown, oneLine, type ScoreEvent, type TaskEvent } from '../../../flock/index.js';
import { HttpClient } from '../../../net/index.js';
import type { CliContext } from '../../context.js';
import { printEvent } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';
import { wholeNumber } from './tasks.js';

interface WatchFlags extends FlockFlags {
  readonly interval: string;
  readonly status?: string;
  readonly state?: string;
  readonly existing?: boolean;
  readonly exec?: string;
  readonly webhook?: string;
  readonly scores?: string;
}

/** `quarry flock watch`: tasks that open, change, near their deadline, end; or scores that arrive. */
export function watchCommand(context: CliContext): Command {
  return addFlockFlags(new Command('watch'))
    .description('follow the tasks, or with --scores the scores of your submissions, until Ctrl-C')
    .option('--interval <seconds>', 'between two looks, at least 15', '60')
    .option('--status <names>', 'statuses to follow, comma-separated', 'submission_phase')
    .option('--state <file>', 'remember what was seen between runs')
    .option('--existing', 'report what is there at the first look too')
    .option('--exec <command>', 'run for every event, with the event as JSON on its standard input')
    .option('--webhook <url>', 'POST every event as JSON')
    .option('--scores <task>', 'follow the scores of your submissions to this task instead')
    .addHelpText(
      'after',
      "\nExamples:\n  quarry flock watch --state ~/.flock-watch.json --exec 'jq -r .title | xargs notify-send'\n  quarry flock watch --json\n  quarry flock watch --scores 7",
    )
    .action((flags: WatchFlags) =>
      withSession(context, flags, async ({ client, say, env }) => {
        const intervalMs = (wholeNumber(flags.interval, '--interval') ?? 60) * 1000;
        if (intervalMs < 15_000) throw new QuarryError('USAGE', '--interval expects at least 15 seconds');
        const { signal } = context;
        const events =
          flags.scores !== undefined
            ? client.submissions.watch(flags.scores, { intervalMs, signal, emitExisting: flags.existing === true })
            : client.tasks.watch({
                intervalMs,
                signal,
                statuses: (flags.status ?? 'submission_phase').split(',').map((name) => name.trim()),
                emitExisting: flags.existing === true,
                ...(flags.state !== undefined && { stateFile: flags.state }),
              });
        const http = new HttpClient();
        try {
          for await (const event of events) {
            printEvent(context, flags, event, eventLine(event));
            try {
              if (flags.exec !== undefined) {
                const { code } = await runCommand(
                  { command: flags.exec, env, onStderr: (chunk) => context.stderr.write(chunk), timeoutMs: 60_000 },
                  `${JSON.stringify(event)}\n`,
                  signal,
                );
                if (code !== 0) say(`warning: the command of --exec ended with status ${code ?? 'of a signal'}`);
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
              // A hook that fails must not end the watch.
              say(`warning: ${error instanceof Error ? error.message : String(error)}`);
            }
          }
        } finally {
          await http.close();
        }
      }),
    );
}

type AnyEvent = TaskEvent | ScoreEvent;

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
    default:
      return '';
  }
}

function short(value: unknown): string {
  const text = oneLine(typeof value === 'string' ? value : JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
