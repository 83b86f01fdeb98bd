import { useMemo } from 'preact/hooks';
import { Chart } from '../chart.js';
import { compact, shortSoma, somaNumber } from '../format.js';
import type { History, HistoryBy, Vitals } from '../wire.js';

const NAMES: Record<HistoryBy, string> = { hour: 'Hours', day: 'Days', epoch: 'Epochs' };

export interface EarningsProps {
  readonly by: HistoryBy;
  readonly onBy: (by: HistoryBy) => void;
  readonly history: History | undefined;
  readonly vitals: Vitals | undefined;
  readonly isDark: boolean;
}

/** Earnings and outcomes by hour, day or epoch, and the balance. */
export function Earnings({ by, onBy, history, vitals, isDark }: EarningsProps) {
  const periods = useMemo(() => history?.periods ?? [], [history]);
  const sum = periods.reduce((total, period) => total + BigInt(period.rewardShannons), 0n);
  return (
    <section class="panel wide" aria-labelledby="earnings">
      <header class="bar">
        <h2 id="earnings">Earnings</h2>
        <fieldset class="switch">
          <legend class="unseen">Length of a bar</legend>
          {(Object.keys(NAMES) as HistoryBy[]).map((each) => (
            <label key={each}>
              <input type="radio" name="by" value={each} checked={each === by} onChange={() => onBy(each)} />
              <span>{NAMES[each]}</span>
            </label>
          ))}
        </fieldset>
      </header>
      {periods.length === 0 ? (
        <p class="empty">Nothing has been submitted yet.</p>
      ) : (
        <>
          <p class="note">
            {shortSoma(sum)} SOMA; {NAMES[by].toLowerCase()} without submissions are omitted
            {history?.isCut ? '; older ones are not included' : ''}
          </p>
          <div class="pair">
            <EarnedChart by={by} periods={periods} isDark={isDark} />
            <AnswersChart by={by} periods={periods} isDark={isDark} />
          </div>
        </>
      )}
      <BalanceChart vitals={vitals} isDark={isDark} />
    </section>
  );
}

interface PeriodsProps {
  readonly by: HistoryBy;
  readonly periods: History['periods'];
  readonly isDark: boolean;
}

function EarnedChart({ by, periods, isDark }: PeriodsProps) {
  const { x, label } = useMemo(() => placesOf(by, periods), [by, periods]);
  const series = useMemo(
    () => [
      bars(
        'earned',
        'accent',
        periods.map(({ rewardShannons }) => somaNumber(rewardShannons)),
      ),
      bars(
        'fees',
        'lost',
        periods.map(({ feesShannons }) => somaNumber(feesShannons)),
      ),
    ],
    [periods],
  );
  return <Chart label="SOMA earned" kind="place" x={x} formatX={label} series={series} isDark={isDark} />;
}

function AnswersChart({ by, periods, isDark }: PeriodsProps) {
  const { x, label } = useMemo(() => placesOf(by, periods), [by, periods]);
  const series = useMemo(() => {
    // Stacked bars: the tallest is drawn first.
    const bar = (name: 'accepted' | 'lost' | 'rejected', below: readonly ('accepted' | 'lost')[]) => ({
      label: name,
      colour: name,
      draw: 'bars' as const,
      values: periods.map((period) => below.reduce((sum, each) => sum + period[each], period[name])),
      told: periods.map((period) => period[name]),
      format: (value: number) => compact(value),
    });
    return [bar('rejected', ['accepted', 'lost']), bar('lost', ['accepted']), bar('accepted', [])];
  }, [periods]);
  return <Chart label="Submissions by outcome" kind="place" x={x} formatX={label} series={series} isDark={isDark} />;
}

function BalanceChart({ vitals, isDark }: { readonly vitals: Vitals | undefined; readonly isDark: boolean }) {
  const points = useMemo(() => (vitals?.points ?? []).filter((point) => point.balanceShannons !== undefined), [vitals]);
  const x = useMemo(() => points.map(({ at }) => at / 1_000), [points]);
  const series = useMemo(
    () => [
      {
        label: 'balance, SOMA',
        colour: 'accent',
        draw: 'line' as const,
        values: points.map(({ balanceShannons }) => somaNumber(balanceShannons)),
        format: somaText,
      },
    ],
    [points],
  );
  if (points.length < 2) return null;
  return (
    <Chart label="Balance" kind="time" x={x} formatX={timeLabel} series={series} fromZero={false} isDark={isDark} />
  );
}

function bars(label: string, colour: string, values: readonly (number | null)[]) {
  return { label, colour, draw: 'bars' as const, values, format: somaText };
}

function somaText(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4, notation: 'compact' });
}

/** Periods side by side: hours without submissions take no space. */
function placesOf(by: HistoryBy, periods: History['periods']) {
  const label = (place: number): string => {
    const key = periods[place]?.key;
    if (key === undefined || by === 'epoch') return key ?? '';
    const at = new Date(key);
    const options = by === 'day' ? ({ month: 'short', day: 'numeric', timeZone: 'UTC' } as const) : HOUR;
    return at.toLocaleString('en', options);
  };
  return { x: periods.map((_, i) => i), label };
}

const HOUR = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** Formats seconds since the Unix epoch. */
export function timeLabel(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleString('en', HOUR);
}
