import { Command } from 'commander';
import {
  describeTask,
  formatCountdown,
  formatParams,
  formatUtc,
  type JsonObject,
  parsePresignedLink,
  type TaskListItem,
  type TaskView,
} from '../../../flock/index.js';
import { sleep } from '../../../net/index.js';
import { type Column, truncate } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { say } from '../../print.js';
import { taskIdArgument, taskIdsArgument } from './arguments.js';
import { printListing, printRecord } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

const TASK_COLUMNS: readonly Column<TaskView>[] = [
  { header: 'ID', value: (task) => task.id, align: 'right' },
  { header: 'TITLE', value: (task) => task.title, shrink: 3 },
  { header: 'TYPE', value: (task) => task.type, shrink: 1 },
  {
    header: 'PHASE',
    value: (task) => (task.overdue ? `${task.phase} (overdue)` : task.phase === 'unknown' ? task.status : task.phase),
  },
  {
    header: 'CLOSES (UTC)',
    shrink: 2,
    value: (task) =>
      task.submissionsCloseAt === undefined
        ? undefined
        : `${formatUtc(task.submissionsCloseAt).slice(0, 16)}${task.estimated ? '~' : ''}`,
  },
  { header: 'LEFT', value: (task) => (task.msLeft === undefined ? undefined : task.countdown) },
  {
    header: 'PARAMS',
    value: (task) => (task.maxParams === undefined ? undefined : formatParams(task.maxParams)),
    align: 'right',
  },
  { header: 'CTX', value: (task) => task.contextLength, align: 'right' },
  { header: 'VRAM', value: (task) => (task.vramGb === undefined ? undefined : `${task.vramGb}GB`), align: 'right' },
];

/** `quarry flock tasks`: the tasks of the arena. */
export function tasksCommand(context: CliContext): Command {
  return addFlockFlags(new Command('tasks'))
    .description('list tasks: open ones by deadline, others newest first')
    .option('--status <which>', 'open, closing, finalized, all, or a status as the service names it', 'open')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock tasks\n  quarry flock tasks --status all --csv > tasks.csv\n  quarry flock tasks --json | jq ".tasks[].id"\n  quarry flock tasks --columns id,title,left',
    )
    .action((flags: FlockFlags & { readonly status: string }) =>
      withSession(context, flags, async ({ client }) => {
        const tasks = await tasksOf(client, flags.status, context.signal);
        const now = client.clock.now();
        const pairs = tasks.map((task) => ({ task, view: describeTask(task, now) }));
        const byDeadline = flags.status === 'open' || flags.status === 'submission_phase';
        pairs.sort((a, b) =>
          byDeadline
            ? (a.view.submissionsCloseAt ?? Infinity) - (b.view.submissionsCloseAt ?? Infinity)
            : b.view.id - a.view.id,
        );
        printListing(context, flags, {
          name: 'tasks',
          wire: pairs.map(({ task }) => task as unknown as JsonObject),
          rows: pairs.map(({ view }) => view),
          columns: TASK_COLUMNS,
          optional: ['TYPE', 'CTX', 'VRAM', 'PARAMS', 'CLOSES (UTC)', 'PHASE'],
          empty: `no task is ${flags.status}`,
        });
      }),
    );
}

async function tasksOf(
  client: {
    tasks: {
      list: (o: { signal: AbortSignal; status?: string | undefined }) => Promise<TaskListItem[]>;
      closing: (o: { signal: AbortSignal }) => Promise<TaskListItem[]>;
    };
  },
  status: string,
  signal: AbortSignal,
): Promise<TaskListItem[]> {
  if (status === 'all') return client.tasks.list({ signal });
  if (status === 'closing') return client.tasks.closing({ signal });
  return client.tasks.list({ signal, status: status === 'open' ? 'submission_phase' : status });
}

/** `quarry flock task`: details of one task. */
export function taskCommand(context: CliContext): Command {
  return addFlockFlags(new Command('task'))
    .description('show one task: every field, its description as text, its deadline, its winner')
    .argument('<id>', 'task id', taskIdArgument)
    .option('--html', 'description as received')
    .addHelpText('after', '\nExamples:\n  quarry flock task 7\n  quarry flock task 1 --json --flat')
    .action((id: number, flags: FlockFlags & { readonly html?: boolean | undefined }) =>
      withSession(context, flags, async ({ client }) => {
        const task = await client.tasks.get(id, { signal: context.signal });
        const now = client.clock.now();
        const view = describeTask(task, now);
        const link = parsePresignedLink(String(task.data?.training_set_url ?? ''));
        const when = (ms: number | undefined): string | undefined =>
          ms === undefined ? undefined : `${formatUtc(ms)} UTC${view.estimated ? ' (estimated)' : ''}`;
        printRecord(context, flags, task as unknown as JsonObject, [
          ['id', view.id],
          ['title', view.title],
          ['type', view.type],
          ['status', view.status],
          ['phase', view.overdue ? `${view.phase} (overdue)` : view.phase],
          ['opens', when(view.opensAt)],
          ['submissions close', when(view.submissionsCloseAt)],
          ['final validation ends', when(view.finalValidationEndsAt)],
          ['left', view.countdown],
          [
            'max parameters',
            view.maxParams === undefined ? undefined : `${formatParams(view.maxParams)} (${view.maxParams})`,
          ],
          ['context length', view.contextLength],
          ['winner', view.winner],
          ['training set', link === undefined ? undefined : `${link.url.origin}${link.url.pathname}`],
          [
            'link expires',
            link?.expiresAtMs === undefined ? undefined : `in ${formatCountdown(link.expiresAtMs - now)}`,
          ],
        ]);
        const machine = flags.json || flags.ndjson || flags.csv || flags.flat;
        if (!machine) say(context, `\n${flags.html ? task.description : view.summary}`);
      }),
    );
}

/** `quarry flock countdown`: time left until submissions close. */
export function countdownCommand(context: CliContext): Command {
  return addFlockFlags(new Command('countdown'))
    .description('time left until submissions close, counting down')
    .argument('<id...>', 'task ids', taskIdsArgument)
    .option('--once', 'print once and exit')
    .addHelpText('after', '\nExamples:\n  quarry flock countdown 7\n  quarry flock countdown 6 7 --once')
    .action((ids: number[], flags: FlockFlags & { readonly once?: boolean | undefined }) =>
      withSession(context, flags, async ({ client }) => {
        const tasks = await Promise.all(ids.map((id) => client.tasks.get(id, { signal: context.signal })));
        const views = (): TaskView[] => tasks.map((task) => describeTask(task, client.clock.now()));
        if (flags.once || !context.isTty || flags.json || flags.ndjson || flags.csv || flags.md) {
          printListing(context, flags, {
            name: 'countdowns',
            wire: views().map(({ id, title, phase, msLeft, countdown }) => ({
              id,
              title,
              phase,
              msLeft: msLeft ?? null,
              countdown,
            })),
            rows: views(),
            columns: TASK_COLUMNS.filter((column) => ['ID', 'TITLE', 'PHASE', 'LEFT'].includes(column.header)),
          });
          return;
        }
        let lines = 0;
        while (!context.signal.aborted) {
          const text = views().map((view) => `${view.countdown.padEnd(16)}${view.id}  ${view.title}`);
          context.stdout.write(
            `${lines > 0 ? `\u001b[${lines}A` : ''}${text.map((line) => `\u001b[2K${truncate(line, (context.columns ?? 80) - 1)}\n`).join('')}`,
          );
          lines = text.length;
          if (views().every((view) => (view.msLeft ?? 0) <= 0)) return;
          await sleep(1000, context.signal).catch((error: unknown) => {
            if (!context.signal.aborted) throw error;
          });
        }
      }),
    );
}
