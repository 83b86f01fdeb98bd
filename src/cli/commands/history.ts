import { Command, Option } from 'commander';
import type { PastSubmission } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Column } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { GROUPINGS, type Grouping, groupSubmissions, type SubmissionGroup } from '../history/group-submissions.js';
import { sinceArgument } from '../history/since.js';
import { sparkline } from '../history/sparkline.js';
import { isoTime, submissionJson } from '../history/submission-json.js';
import { withHistory } from '../history/with-history.js';
import { examples, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';

interface HistoryFlags extends TableFlags {
  readonly since?: string | undefined;
  readonly by?: Grouping | undefined;
  readonly json?: boolean | undefined;
}

/** `quarry history`: a miner's accepted, lost and rejected submissions, from its journal. */
export function historyCommand(context: CliContext): Command {
  const command = new Command('history')
    .description('what was earned, lost and rejected, by day, epoch, model or source')
    .option('--since <when>', 'only submissions since: an age (12h, 7d) or a date')
    .addOption(new Option('--by <what>', 'one row per').choices(GROUPINGS))
    .addOption(new Option('--json', 'one JSON object per line').conflicts(['csv', 'md']))
    .addHelpText(
      'after',
      `
Without --by, --json, --csv and --md print one submission per line; a terminal shows days.
The journal may belong to a running miner.
${examples('history --since 7d', 'history --by model --md', 'history --json | jq .outcome')}`,
    );
  addTableFlags(addSettings(command, ['network', 'stateDir']));
  return command.action(async (flags: HistoryFlags) => {
    const sinceMs = flags.since === undefined ? undefined : sinceArgument(flags.since, Date.now());
    const config = await configOf(context, { ...flags });
    await withHistory(context, config, (history) => print(context, flags, history.submissions(sinceMs)));
  });
}

function print(context: CliContext, flags: HistoryFlags, submissions: Iterable<PastSubmission>): void {
  if (flags.by === undefined && flags.json) {
    for (const submission of submissions) sayJson(context, submissionJson(submission));
    return;
  }
  if (flags.by === undefined && (flags.csv || flags.md)) {
    printTable(context, flags, [...submissions], SUBMISSION_COLUMNS);
    return;
  }
  const by = flags.by ?? 'day';
  const groups = groupSubmissions(submissions, by);
  const columns = groupColumns(by);
  if (flags.json) for (const { key, ...group } of groups) sayJson(context, { [by]: key, ...group });
  else if (flags.csv || flags.md) printTable(context, flags, groups, columns);
  else {
    printTable(context, flags, groups, columns, 'nothing was submitted in this time');
    // A chart over time makes sense only for days and epochs.
    if (groups.length > 1 && (by === 'day' || by === 'epoch')) drawCourse(context, groups.slice(-60));
  }
}

function drawCourse(context: CliContext, latest: readonly SubmissionGroup[]): void {
  const line = (name: string, values: readonly number[]): void =>
    say(context, `${name.padEnd(9)} ${context.style.green(sparkline(values))}`);
  say(context, '');
  line(
    'earned',
    latest.map((group) => Number(group.rewardShannons)),
  );
  line(
    'accepted',
    latest.map((group) => group.accepted),
  );
  line(
    'lost',
    latest.map((group) => group.lost),
  );
}

function groupColumns(by: Grouping): readonly Column<SubmissionGroup>[] {
  return [
    { header: by.toUpperCase(), value: (group) => group.key, shrink: 1 },
    { header: 'ACCEPTED', value: (group) => group.accepted, align: 'right' },
    { header: 'LOST', value: (group) => group.lost, align: 'right' },
    { header: 'REJECTED', value: (group) => group.rejected, align: 'right' },
    { header: 'PENDING', value: (group) => group.pending, align: 'right' },
    { header: 'EARNED SOMA', value: (group) => shannonsToSoma(group.rewardShannons), align: 'right' },
    { header: 'FEES SOMA', value: (group) => shannonsToSoma(group.feesShannons), align: 'right' },
    { header: 'MEDIAN MS', value: (group) => group.latencyMs?.toFixed(0), align: 'right' },
  ];
}

const SUBMISSION_COLUMNS: readonly Column<PastSubmission>[] = [
  { header: 'at', value: (row) => isoTime(row.atMs) },
  { header: 'target', value: (row) => row.targetId },
  { header: 'outcome', value: (row) => (row.outcome === 'built' ? 'pending' : row.outcome) },
  { header: 'reason', value: (row) => row.reason },
  { header: 'epoch', value: (row) => row.epoch, align: 'right' },
  { header: 'reward_shannons', value: (row) => row.rewardShannons, align: 'right' },
  { header: 'fee_shannons', value: (row) => row.feeShannons, align: 'right' },
  { header: 'latency_ms', value: (row) => row.latencyMs?.toFixed(1), align: 'right' },
  { header: 'distance', value: (row) => row.distance, align: 'right' },
  { header: 'threshold', value: (row) => row.threshold, align: 'right' },
  { header: 'model', value: (row) => row.modelId },
  { header: 'source', value: (row) => row.origin },
  { header: 'digest', value: (row) => row.digest },
];
