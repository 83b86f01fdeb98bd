import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { CliContext } from '../context.js';
import { type Profit, profitOf } from '../history/profit.js';
import { sinceArgument } from '../history/since.js';
import { withHistory } from '../history/with-history.js';
import { examples, printRecord } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';

interface ProfitFlags {
  readonly json?: boolean | undefined;
  readonly since?: string | undefined;
  readonly watts?: string | undefined;
  readonly kwhPrice?: string | undefined;
  readonly hostPerDay?: string | undefined;
}

/** `quarry profit`: rewards minus fees and costs, and the daily rate. */
export function profitCommand(context: CliContext): Command {
  const command = new Command('profit')
    .description('rewards, fees, outstanding bonds, and the daily rate')
    .option('--json', 'one JSON object')
    .option('--since <when>', 'start of the period: an age (12h, 7d) or a date', '7d')
    .option('--watts <n>', 'power drawn by the machine, for its cost')
    .option('--kwh-price <price>', 'price of a kilowatt-hour, in any currency')
    .option('--host-per-day <price>', 'daily cost of hosting and the machine, in the same currency')
    .addHelpText('after', examples('profit', 'profit --since 30d --watts 350 --kwh-price 0.32 --json'));
  addSettings(command, ['network', 'stateDir']);
  return command.action(async (flags: ProfitFlags) => {
    const nowMs = Date.now();
    const sinceMs = sinceArgument(flags.since ?? '7d', nowMs);
    const costPerDay = costOf(flags);
    const config = await configOf(context, { ...flags });
    const profit = await withHistory(context, config, (history) => profitOf(history.submissions(), { sinceMs, nowMs }));
    print(context, flags, profit, costPerDay);
  });
}

/** Daily cost in the user's currency; `undefined` if no cost was given. */
function costOf({ watts, kwhPrice, hostPerDay }: ProfitFlags): number | undefined {
  if ((watts === undefined) !== (kwhPrice === undefined)) {
    throw new QuarryError('USAGE', '--watts and --kwh-price need each other');
  }
  if (watts === undefined && hostPerDay === undefined) return undefined;
  const energy = (priceArgument(watts, '--watts') * 24 * priceArgument(kwhPrice, '--kwh-price')) / 1000;
  return energy + priceArgument(hostPerDay, '--host-per-day');
}

function priceArgument(text: string | undefined, flag: string): number {
  const value = text === undefined ? 0 : text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new QuarryError('USAGE', `${flag} expects a number of at least 0, got "${String(text).slice(0, 40)}"`);
}

function print(context: CliContext, flags: ProfitFlags, profit: Profit, costPerDay: number | undefined): void {
  const soma = (shannons: bigint): string => `${shannonsToSoma(shannons)} SOMA`;
  const { days, forecastPerDayShannons: forecast } = profit;
  const perSoma =
    costPerDay === undefined || forecast === undefined || forecast <= 0n
      ? undefined
      : costPerDay / (Number(forecast) / 1e9);
  printRecord(
    context,
    flags,
    { ...profit, ...(costPerDay !== undefined && { costPerDay, breakEvenPricePerSoma: perSoma ?? null }) },
    [
      ['reckoned over', `${days.toFixed(days < 10 ? 1 : 0)} days`],
      ['earned', `${soma(profit.earnedShannons)} in ${profit.accepted} accepted submissions`],
      ['of which claimed', soma(profit.claimedShannons)],
      ['fees', soma(profit.feesShannons)],
      ['net', soma(profit.netShannons)],
      ['bonds out', soma(profit.bondsOutShannons)],
      ['per day', forecast === undefined ? 'too early to say' : `about ${soma(forecast)}`],
      ...(costPerDay === undefined ? [] : [['cost per day', costPerDay.toFixed(2)] as const]),
      ...(perSoma === undefined ? [] : [['pays from', `${perSoma.toPrecision(3)} a SOMA`] as const]),
    ],
  );
}
