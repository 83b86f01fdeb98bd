import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import type { DownloadProgress, DownloadResult } from '../../../flock/index.js';
import { formatBytes, formatDuration } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { taskIdArgument } from './arguments.js';
import { printRecord } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

interface DownloadFlags extends FlockFlags {
  readonly output?: string | undefined;
  readonly resume: boolean;
  readonly overwrite?: boolean | undefined;
  readonly verify: string;
}

/** `quarry flock download`: downloads the training set of a task. */
export function downloadCommand(context: CliContext): Command {
  return addFlockFlags(new Command('download'))
    .description('download the training set of a task; resumes after interruptions, through expiring links')
    .argument('<id>', 'task id', taskIdArgument)
    .option('-o, --output <path>', 'file or directory (default: task-<id>-<name> here)')
    .option('--no-resume', 'start from the first byte')
    .option('--overwrite', 'replace a finished file')
    .option('--verify <how>', 'size, md5-if-possible, or none', 'md5-if-possible')
    .addHelpText('after', '\nExamples:\n  quarry flock download 7\n  quarry flock download 7 -o data/ --json')
    .action((id: number, flags: DownloadFlags) =>
      withSession(context, flags, async ({ client, say }) => {
        const { verify } = flags;
        if (verify !== 'size' && verify !== 'md5-if-possible' && verify !== 'none') {
          throw new QuarryError('USAGE', `--verify expects size, md5-if-possible or none, got ${verify}`);
        }
        const result = await client.tasks.downloadTrainingSet(id, {
          dest: flags.output,
          resume: flags.resume,
          overwrite: flags.overwrite === true,
          verify,
          signal: context.signal,
          ...(!flags.quiet && { onProgress: progressLine(context) }),
        });
        printRecord(
          context,
          flags,
          { ...result, jsonl: result.jsonl === undefined ? null : { ...result.jsonl } } as never,
          summary(result),
        );
        const { jsonl } = result;
        if (jsonl !== undefined && (jsonl.badLines > 0 || jsonl.withoutConversations > 0)) {
          const where = jsonl.bad.map(({ line, message }) => `line ${line}: ${message}`).join(', ');
          say(
            `warning: ${jsonl.badLines} bad lines${where === '' ? '' : ` (${where})`}, ${jsonl.withoutConversations} records without conversations`,
          );
        }
      }),
    );
}

function summary(result: DownloadResult): (readonly [string, unknown])[] {
  const { jsonl } = result;
  return [
    ['file', result.path],
    ['size', `${formatBytes(result.bytes)} (${result.bytes} bytes)`],
    ['sha256', result.sha256],
    ['checked', result.md5Checked ? 'size and MD5' : 'size'],
    ...(result.resumedFrom === 0 ? [] : [['resumed from', formatBytes(result.resumedFrom)] as const]),
    ...(result.refreshes === 0 ? [] : [['links renewed', result.refreshes] as const]),
    ...(jsonl === undefined
      ? []
      : ([
          ['lines', `${jsonl.lines}${jsonl.badLines === 0 ? '' : `, ${jsonl.badLines} bad`}`],
          [
            'turns',
            Object.entries(jsonl.roles)
              .map(([role, count]) => `${role} ${count}`)
              .join(', '),
          ],
          ['bytes per line', `${jsonl.lineBytes.min} to ${jsonl.lineBytes.max}, mean ${jsonl.lineBytes.mean}`],
        ] as const)),
  ];
}

/** Shows a progress bar on a terminal, and otherwise a line every five seconds. */
export function progressLine(context: CliContext): (progress: DownloadProgress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = performance.now();
    const share = progress.total === null ? undefined : progress.total === 0 ? 1 : progress.received / progress.total;
    const eta =
      progress.etaMs === null || progress.phase !== 'downloading' ? '' : `  ${formatDuration(progress.etaMs)} left`;
    const of = progress.total === null ? '' : ` of ${formatBytes(progress.total)}`;
    const text = `${progress.phase}  ${formatBytes(progress.received)}${of}  ${formatBytes(progress.bytesPerSecond)}/s${eta}`;
    if (context.isErrTty) {
      const width = 24;
      const full = Math.round((share ?? 0) * width);
      const bar =
        share === undefined
          ? ''
          : `[${'█'.repeat(full)}${'·'.repeat(width - full)}] ${String(Math.floor(share * 100)).padStart(3)}%  `;
      context.stderr.write(`\r\u001b[2K${bar}${text}${progress.phase === 'done' ? '\n' : ''}`);
    } else if (now - last >= 5000 && progress.phase !== 'done') {
      last = now;
      context.stderr.write(`${share === undefined ? '' : `${Math.floor(share * 100)}%  `}${text}\n`);
    }
  };
}
