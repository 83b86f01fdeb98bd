import type { MinerSummary } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Rates } from '../../telemetry/rate-meter.js';
import { formatDuration, formatRate } from '../../text/index.js';

const HOUR_MS = 3_600_000;
/** Shown for unknown numbers. */
const UNKNOWN = 'n/a';

const soma = (shannons: bigint | undefined): string =>
  shannons === undefined ? UNKNOWN : `${shannonsToSoma(shannons)} SOMA`;
const ms = (value: number | undefined): string => (value === undefined ? UNKNOWN : `${value.toFixed(0)} ms`);

/** Fields of a status template by name, as human-readable text with units. */
export const STATUS_FIELDS = {
  accepted: (s) => String(s.accepted),
  lost: (s) => String(s.lost),
  rejected: (s) => String(s.rejected),
  unknown: (s) => String(s.unknown),
  perHour: (s) => `${formatRate(s.accepted / (Math.max(s.durationMs, 1) / HOUR_MS))}/h`,
  balance: (s) => soma(s.balanceShannons),
  rewards: (s) => soma(s.rewardShannons),
  fees: (s) => soma(s.feesShannons),
  p50: (s) => ms(s.spawnToSubmitMs.p50),
  p99: (s) => ms(s.spawnToSubmitMs.p99),
  node: nodeText,
  epoch: (s) => (s.epoch === undefined ? UNKNOWN : String(s.epoch)),
  targets: (s) => (s.epoch === undefined ? UNKNOWN : String(s.openTargets)),
  waiting: (s) => String(s.waitingTargets),
  reach: (s) => (s.reach === undefined ? UNKNOWN : `${(100 * s.reach).toFixed(0)} %`),
  hits: (s) => String(s.hits),
  submitted: (s) => String(s.submitted),
  claimed: (s) => String(s.claimed),
  samples: (s) => String(s.scored),
  speed: (s) => `${ratesText(s.samplesPerSecond)} samples/s`,
  rows: (s) => `${ratesText(s.rowsScannedPerSecond)} rows/s`,
  state: (s) => (s.paused ? 'paused' : 'mining'),
  uptime: (s) => formatDuration(s.durationMs),
} as const satisfies Record<string, (summary: MinerSummary) => string>;

/** Rates over 10 s, 60 s and 15 min. */
export function ratesText(rates: Rates): string {
  return rates.map((rate) => (rate === undefined ? UNKNOWN : formatRate(rate))).join(' ');
}

/** Whether a fullnode is connected, and otherwise for how long none was. */
export function nodeText({ epoch, fullnodeLostMs }: MinerSummary): string {
  if (fullnodeLostMs !== undefined) return `FULLNODE LOST ${formatDuration(fullnodeLostMs)}`;
  return epoch === undefined ? 'waiting for the node' : 'node ok';
}
