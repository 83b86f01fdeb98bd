import { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import {
  type Achievements,
  type DailyCount,
  type FlatTable,
  flatten,
  formatUtc,
  isInvalidScore,
  type JsonObject,
  type ModelRank,
  oneLine,
  parseUtc,
  sameWallet,
  type ValidatorRank,
} from '../../../flock/index.js';
import type { Column } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { countArgument } from '../../parse-argument.js';
import { taskIdArgument, walletArgument } from './arguments.js';
import { printListing } from './print.js';
import { addFlockFlags, type FlockFlags, type FlockSession, withSession } from './settings.js';

interface DayRow {
  readonly time: string;
  readonly submission: number | undefined;
  readonly validation: number | undefined;
  readonly partial: boolean;
}

const BAR_CELLS = 20;

/** `quarry flock stats`: counts across the whole arena. */
export function statsCommand(context: CliContext): Command {
  const daily = addFlockFlags(new Command('daily'))
    .description('submissions and validations per UTC day; the last day is incomplete')
    .option('--type <which>', 'submission, validation or both', 'both')
    .option('--last <n>', 'number of days to show', '14')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock stats daily --last 7\n  quarry flock stats daily --type validation --csv --last 1000',
    )
    .action((flags: FlockFlags & { readonly type: string; readonly last: string }) =>
      withSession(context, flags, async ({ client }) => {
        if (!['submission', 'validation', 'both'].includes(flags.type)) {
          throw new QuarryError('USAGE', `--type expects submission, validation or both, got ${flags.type}`);
        }
        const kinds =
          flags.type === 'both' ? (['submission', 'validation'] as const) : [flags.type as 'submission' | 'validation'];
        const series = await Promise.all(kinds.map((kind) => client.stats.daily(kind, { signal: context.signal })));
        const all = mergeDays(kinds, series);
        const merged = all.slice(-(countArgument(flags.last, '--last') ?? 14));
        const barOf = kinds.at(-1) ?? 'submission';
        const most = Math.max(1, ...merged.map((row) => row[barOf] ?? 0));
        const columns: Column<DayRow>[] = [
          { header: 'DATE', value: (row) => row.time },
          ...kinds.map(
            (kind): Column<DayRow> => ({ header: `${kind.toUpperCase()}S`, value: (row) => row[kind], align: 'right' }),
          ),
          {
            header: '',
            value: (row) =>
              `${'█'.repeat(Math.round(((row[barOf] ?? 0) / most) * BAR_CELLS))}${row.partial ? ' partial' : ''}`,
            shrink: 1,
          },
        ];
        printListing(context, flags, {
          name: 'days',
          wire: merged.map(({ time, submission, validation, partial }) => ({
            time,
            submissions: submission,
            validations: validation,
            ...(partial && { partial }),
          })),
          rows: merged,
          columns,
          empty: 'no days',
          footer:
            merged.length < all.length
              ? `the last ${merged.length} of ${all.length} days; --last ${all.length} shows all`
              : undefined,
        });
      }),
    );
  return new Command('stats').description('counts over the whole arena').addCommand(daily);
}

function mergeDays(kinds: readonly ('submission' | 'validation')[], series: readonly DailyCount[][]): DayRow[] {
  const days = new Map<string, { submission?: number | undefined; validation?: number | undefined }>();
  for (const [index, kind] of kinds.entries()) {
    for (const { time, count } of series[index] ?? []) days.set(time, { ...days.get(time), [kind]: count });
  }
  const times = [...days.keys()].sort();
  return times.map((time) => ({
    time: oneLine(time),
    submission: days.get(time)?.submission,
    validation: days.get(time)?.validation,
    partial: time === times.at(-1),
  }));
}

/** `quarry flock wallet`: statistics of a wallet. */
export function walletCommand(context: CliContext): Command {
  return addFlockFlags(new Command('wallet'))
    .description('medals, valid submissions or enrolled tasks of a wallet')
    .argument('<address>', '0x and 40 hex digits', walletArgument)
    .argument('[what]', 'achievements, subs or enrolled', 'achievements')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock wallet 0xB93A9c73751Bbca8E1924954271ee8d4De5747c9\n  quarry flock wallet 0xB93A9c73751Bbca8E1924954271ee8d4De5747c9 subs --json',
    )
    .action((wallet: string, what: string, flags: FlockFlags) =>
      withSession(context, flags, async (session) => {
        if (what === 'achievements') return achievements(context, flags, session, wallet);
        if (what === 'subs') return walletSubmissions(context, flags, session, wallet);
        if (what === 'enrolled') return enrolled(context, flags, session, wallet);
        throw new QuarryError('USAGE', `wallet shows achievements, subs or enrolled, not ${what}`);
      }),
    );
}

type Medals = Achievements & { role: string };

const MEDAL_COLUMNS: readonly Column<Medals>[] = [
  { header: 'ROLE', value: (row) => row.role },
  { header: 'GOLD', value: (row) => row.gold_medals, align: 'right' },
  { header: 'SILVER', value: (row) => row.silver_medals, align: 'right' },
  { header: 'BRONZE', value: (row) => row.bronze_medals, align: 'right' },
  { header: 'PARTICIPATIONS', value: (row) => row.total_participations, align: 'right' },
];

async function achievements(
  context: CliContext,
  flags: FlockFlags,
  session: FlockSession,
  wallet: string,
): Promise<void> {
  const read = async (address: string): Promise<Medals[]> =>
    Promise.all(
      (['node', 'validator'] as const).map(async (role) => ({
        role,
        ...(await session.client.wallet(address).achievements(role, { signal: context.signal })),
      })),
    );
  const rows = await orLowerCase(session, wallet, read, (found) =>
    found.every(
      (row) => row.total_participations === 0 && row.gold_medals + row.silver_medals + row.bronze_medals === 0,
    ),
  );
  printListing(context, flags, { name: 'achievements', wire: rows, rows, columns: MEDAL_COLUMNS });
}

async function walletSubmissions(
  context: CliContext,
  flags: FlockFlags,
  session: FlockSession,
  wallet: string,
): Promise<void> {
  const read = async (address: string): Promise<JsonObject[]> => {
    const rows: JsonObject[] = [];
    for await (const row of session.client.wallet(address).allSubmissions({ signal: context.signal })) rows.push(row);
    return rows;
  };
  const rows = await orLowerCase(session, wallet, read, (found) => found.length === 0);
  printRecords(context, flags, 'submissions', rows, 'no valid submissions');
}

async function enrolled(context: CliContext, flags: FlockFlags, session: FlockSession, wallet: string): Promise<void> {
  const read = async (address: string): Promise<JsonObject[]> => {
    const tasks = await session.client.wallet(address).enrolled({ signal: context.signal });
    return tasks.map((task) => (typeof task === 'object' && task !== null && !Array.isArray(task) ? task : { task }));
  };
  const rows = await orLowerCase(session, wallet, read, (found) => found.length === 0);
  printRecords(context, flags, 'tasks', rows, 'enrolled in no task');
}

/** The service may know a mixed-case address only in lower case: retry an empty result with that. */
async function orLowerCase<T>(
  session: FlockSession,
  wallet: string,
  read: (address: string) => Promise<T>,
  isEmpty: (found: T) => boolean,
): Promise<T> {
  const found = await read(wallet);
  const lower = wallet.toLowerCase();
  if (!isEmpty(found) || lower === wallet) return found;
  const again = await read(lower);
  if (isEmpty(again)) return found;
  session.say(`nothing under the address as typed; showing ${lower}`);
  return again;
}

/** Rows of unknown shape: prints all fields, with nested ones as separate columns. */
function printRecords(
  context: CliContext,
  flags: FlockFlags,
  name: string,
  wire: readonly JsonObject[],
  empty: string,
): void {
  const { columns, rows } = flatten(wire);
  printListing<FlatTable['rows'][number]>(context, flags, {
    name,
    wire,
    rows,
    columns: columns.map((column, index) => ({
      header: column,
      shrink: index + 1,
      value: (row) => {
        const value = row[column];
        if (value === null || value === undefined) return undefined;
        return typeof value === 'object' ? JSON.stringify(value) : value;
      },
    })),
    empty,
    ...(wire.length > 0 && { footer: `${wire.length} in all` }),
  });
}

interface LeaderRow {
  readonly rank: number;
  readonly wallet: string;
  readonly score: number | null | undefined;
  readonly updated: string | null | undefined;
}

/** `quarry flock leaderboard`: the ranking of a task. */
export function leaderboardCommand(context: CliContext): Command {
  return addFlockFlags(new Command('leaderboard'))
    .description('ranking of a task (undocumented endpoint of the service)')
    .argument('<task>', 'task id', taskIdArgument)
    .option('--validators', 'rank the validators instead of the models')
    .option('--wallet <address>', 'only this wallet', walletArgument)
    .addHelpText(
      'after',
      '\nExamples:\n  quarry flock leaderboard 7\n  quarry flock leaderboard 7 --validators --wallet 0xB93A9c73751Bbca8E1924954271ee8d4De5747c9',
    )
    .action(
      (
        task: number,
        flags: FlockFlags & { readonly validators?: boolean | undefined; readonly wallet?: string | undefined },
      ) =>
        withSession(context, flags, async ({ client }) => {
          const { wallet } = flags;
          const rows: (ModelRank | ValidatorRank)[] = [];
          const call = { signal: context.signal };
          const all: AsyncIterable<ModelRank | ValidatorRank> = flags.validators
            ? client.leaderboard.allValidators(task, call)
            : client.leaderboard.allModels(task, call);
          for await (const row of all) {
            if (wallet === undefined || sameWallet(row.wallet, wallet)) rows.push(row);
          }
          rows.sort((a, b) => a.rank - b.rank);
          const columns: Column<LeaderRow>[] = [
            { header: 'RANK', value: (row) => row.rank, align: 'right' },
            { header: 'WALLET', value: (row) => row.wallet, shrink: 1 },
            {
              header: 'SCORE',
              value: (row) => (isInvalidScore(row.score) ? `invalid (${row.score})` : row.score),
              align: 'right',
            },
            {
              header: 'UPDATED (UTC)',
              value: (row) => {
                const at = parseUtc(row.updated);
                return at === undefined ? row.updated : formatUtc(at);
              },
            },
          ];
          printListing(context, flags, {
            name: flags.validators ? 'validators' : 'models',
            wire: rows,
            rows: rows.map(leaderRow),
            columns,
            empty: wallet === undefined ? 'no wallet is ranked yet' : 'this wallet is not ranked',
          });
        }),
    );
}

function leaderRow(row: ModelRank | ValidatorRank): LeaderRow {
  const score = row['score'] ?? row['submission_phase_score'];
  const updated = row['updated_at'] ?? row['finalized_at'];
  return {
    rank: row.rank,
    wallet: row.wallet,
    score: typeof score === 'number' ? score : null,
    updated: typeof updated === 'string' ? updated : null,
  };
}
