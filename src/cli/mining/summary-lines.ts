import type { MinerSummary } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Style } from '../../text/index.js';

const soma = (shannons: bigint): string => `${shannonsToSoma(shannons)} SOMA`;

/** A miner's summary for people, one line per subject. */
export function summaryLines(s: MinerSummary, { green }: Style): string[] {
  const known = s.duplicates > 0 ? `, ${s.duplicates} known before` : '';
  const unknown = s.unknown > 0 ? `, ${s.unknown} unknown` : '';
  const made = [
    ...(s.composed > 0 ? [`${s.composed} composed`] : []),
    ...(s.searched > 0 ? [`${s.searched} searched`] : []),
  ].join(', ');
  const { p50, p99 } = s.spawnToSubmitMs;
  const rows: [name: string, text: string][] = [
    ['samples', `${s.samples} taken in${known}, ${s.scored} scored, ${s.hits} hits`],
    [
      'submitted',
      `${s.submitted}: ${green(`${s.accepted} accepted`)}, ${s.lost} lost, ${s.rejected} rejected${unknown}${made && `; ${made}`}`,
    ],
  ];
  if (p50 !== undefined && p99 !== undefined)
    rows.push(['to submit', `${p50.toFixed(1)} ms p50, ${p99.toFixed(1)} ms p99`]);
  if (s.claimed > 0)
    rows.push(['claimed', `${s.claimed} targets: ${green(soma(s.rewardShannons))} in rewards, bonds returned`]);
  rows.push(['fees', soma(s.feesShannons)]);
  if (s.balanceShannons !== undefined) rows.push(['balance', soma(s.balanceShannons)]);
  return rows.map(([name, text]) => `  ${name.padEnd(11)} ${text}`);
}
