import { compact, count, percent, shortSoma, soma } from '../format.js';
import type { Status, Vitals } from '../wire.js';

/** The most important figures. */
export function Tiles({ status, vitals }: { readonly status: Status; readonly vitals: Vitals | undefined }) {
  const { totals, run } = status;
  const balance = run?.balanceShannons ?? vitals?.points.findLast((point) => point.balanceShannons)?.balanceShannons;
  const speed = run?.samplesPerSecond[1] ?? run?.samplesPerSecond[0];
  const answered = totals.accepted + totals.lost + totals.rejected;
  return (
    <section class="tiles" aria-label="Figures">
      <Tile
        name="Balance"
        unit="SOMA"
        value={balance === undefined ? undefined : shortSoma(balance)}
        title={balance && soma(balance)}
      />
      <Tile
        name="Accepted"
        value={count(totals.accepted)}
        tone="accepted"
        note={answered === 0 ? undefined : `${percent(totals.accepted / answered)} of answers`}
      />
      <Tile name="Lost" value={count(totals.lost)} tone="lost" note="others were first" />
      <Tile
        name="Rejected"
        value={count(totals.rejected)}
        tone="rejected"
        note={totals.pending > 0 ? `${count(totals.pending)} pending` : undefined}
      />
      <Tile name="To claim" value={count(totals.unclaimed)} note={`${count(totals.claimed)} claimed`} />
      <Tile name="Fees" unit="SOMA" value={shortSoma(totals.feesShannons)} title={soma(totals.feesShannons)} />
      {run !== undefined && (
        <Tile
          name="Scoring"
          unit="/s"
          value={typeof speed === 'number' ? compact(speed) : undefined}
          note={`${count(run.scored)} this run`}
        />
      )}
      {run?.reach !== undefined && <Tile name="Reach" value={percent(run.reach)} note="of latest targets" />}
    </section>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly unit?: string;
  readonly note?: string | undefined;
  readonly tone?: string;
  /** The exact value. */
  readonly title?: string | undefined;
}

function Tile({ name, value, unit, note, tone, title }: TileProps) {
  return (
    <div class={`tile ${tone === undefined ? '' : `tone-${tone}`}`}>
      <h2>{name}</h2>
      <p class="figure" title={title}>
        {value ?? '–'}
        {unit !== undefined && value !== undefined && <small> {unit}</small>}
      </p>
      {note !== undefined && <p class="note">{note}</p>}
    </div>
  );
}
