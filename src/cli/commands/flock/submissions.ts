import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { bestSubmissions, formatUtc, isInvalidScore, parseUtc, type WalletSubmission } from '../../../flock/index.js';
import type { Column } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { taskIdArgument } from './arguments.js';
import { printListing } from './print.js';
import { addFlockFlags, type FlockFlags, withSession } from './settings.js';

interface SubsFlags extends FlockFlags {
  readonly all?: boolean | undefined;
  readonly better: string;
}

const score = (value: number | null): string | number | null => (isInvalidScore(value) ? `invalid (${value})` : value);

/** Columns of the submissions table. */
export const SUBS_COLUMNS: readonly Column<
  Pick<WalletSubmission, 'link' | 'submission_phase_score' | 'final_validation_score' | 'submitted_at'>
>[] = [
  { header: 'LINK', value: (row) => row.link, shrink: 1 },
  { header: 'PHASE SCORE', value: (row) => score(row.submission_phase_score), align: 'right' },
  { header: 'FINAL SCORE', value: (row) => score(row.final_validation_score), align: 'right' },
  {
    header: 'SUBMITTED (UTC)',
    value: (row) => {
      const at = parseUtc(row.submitted_at);
      return at === undefined ? row.submitted_at : formatUtc(at);
    },
  },
];

/** `quarry flock subs`: your submissions to a task. */
export function subsCommand(context: CliContext): Command {
  return addFlockFlags(new Command('subs'))
    .description('your submissions to a task: the best-scored per link, or all of them')
    .argument('<task>', 'task id', taskIdArgument)
    .option('--all', 'every submission as the service lists it')
    .option('--better <which>', 'whether a higher or lower score is better', 'higher')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock subs 7\n  quarry flock subs 7 --better lower\n  quarry flock subs 7 --all --ndjson',
    )
    .action((task: number, flags: SubsFlags) =>
      withSession(context, flags, async ({ client }) => {
        const { better } = flags;
        if (better !== 'higher' && better !== 'lower') {
          throw new QuarryError('USAGE', `--better expects higher or lower, got ${better}`);
        }
        const all: WalletSubmission[] = [];
        for await (const row of client.submissions.all(task, { signal: context.signal })) all.push(row);
        const rows = flags.all ? all : bestSubmissions(all, better);
        printListing(context, flags, {
          name: 'submissions',
          wire: rows,
          rows,
          columns: SUBS_COLUMNS,
          empty: `no submissions to task ${task}`,
          ...(rows.length < all.length && {
            footer: `${rows.length} links, ${all.length} submissions; --all shows them all`,
          }),
        });
      }),
    );
}
