import { useState } from 'preact/hooks';
import { formatDuration } from '../../text/quantity.js';
import { read } from '../api.js';
import { shortId, soma, when } from '../format.js';
import type { Submission, Winner } from '../wire.js';

interface SubmissionsProps {
  readonly rows: readonly Submission[] | undefined;
  /** Whether there is a node to ask for winners. */
  readonly canAsk: boolean;
}

/** The latest submissions; each expands to its history. */
export function Submissions({ rows, canAsk }: SubmissionsProps) {
  return (
    <section class="panel wide" aria-labelledby="submissions">
      <h2 id="submissions">Latest submissions</h2>
      {rows === undefined || rows.length === 0 ? (
        <p class="empty">Nothing has been submitted yet.</p>
      ) : (
        <ol class="submissions">
          {rows.map((row) => (
            <li key={row.digest}>
              <details>
                <summary>
                  <b class={`outcome ${row.outcome}`}>{row.outcome}</b>
                  <time dateTime={row.at}>{when(row.at)}</time>
                  <code>{shortId(row.targetId)}</code>
                  <span class="reason grow">{row.reason}</span>
                  <span>{row.latencyMs === null ? '' : formatDuration(row.latencyMs)}</span>
                  <span class="amount">{row.outcome === 'accepted' ? `+${soma(row.rewardShannons)}` : ''}</span>
                </summary>
                <Story row={row} canAsk={canAsk} />
              </details>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Story({ row, canAsk }: { readonly row: Submission; readonly canAsk: boolean }) {
  const [winner, setWinner] = useState<Winner | string>();
  const askWinner = (): void => {
    setWinner('asking the node');
    read<Winner>(`/1/winner?target=${row.targetId}`).then(setWinner, () => setWinner('the node no longer knows'));
  };
  const because = row.reason === undefined ? '' : `: ${row.reason}`;
  const after = row.latencyMs === null ? '' : `, ${formatDuration(row.latencyMs)} after the hit was possible`;
  const facts: [string, string | undefined][] = [
    ['target', `${row.targetId}, epoch ${row.epoch}, ${soma(row.poolShannons)} SOMA`],
    ['sample', `${row.checksum}${row.origin === undefined ? '' : `, from ${row.origin}`}`],
    ['model', row.modelId],
    [
      'distance',
      row.distance === undefined
        ? undefined
        : `${row.distance.toFixed(6)} of at most ${row.threshold?.toFixed(6) ?? '?'}`,
    ],
    [
      'seen',
      row.seenAt === undefined ? undefined : `${when(row.seenAt)}${row.node === undefined ? '' : ` on ${row.node}`}`,
    ],
    ['signed', `${when(row.at)}, digest ${row.digest}, bond ${soma(row.bondShannons)} SOMA`],
    ['outcome', `${row.outcome}${row.settledAt === undefined ? '' : ` ${when(row.settledAt)}`}${because}${after}`],
    ['fee', row.feeShannons === undefined ? undefined : `${soma(row.feeShannons)} SOMA`],
    [
      'claim',
      row.claim &&
        `${row.claim.state}, due from epoch ${row.claim.dueEpoch}${row.claim.at === undefined ? '' : `, ${when(row.claim.at)}`}`,
    ],
    ['won by', winner === undefined ? undefined : winnerText(winner, row.distance)],
  ];
  return (
    <>
      <dl class="story">
        {facts.map(([name, text]) =>
          text === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ),
        )}
      </dl>
      {canAsk && row.outcome !== 'accepted' && winner === undefined && (
        <button type="button" onClick={askWinner}>
          Ask who won
        </button>
      )}
    </>
  );
}

function winnerText(winner: Winner | string, own: number | undefined): string {
  if (typeof winner === 'string') return winner;
  if (winner.submitter === undefined) return `no one: the target is ${winner.status}`;
  if (winner.distance === undefined) return winner.submitter;
  const at = `${winner.submitter} at ${winner.distance.toFixed(6)}`;
  if (own === undefined) return at;
  const side = winner.distance < own ? 'closer' : 'farther';
  return `${at}, ${Math.abs(winner.distance - own).toFixed(6)} ${side} than ours: the first one wins`;
}
