import type { MinerSummary } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Rates } from '../../telemetry/rate-meter.js';
import { formatDuration, formatRate, textWidth } from '../../text/index.js';

const GAP = '  ';
const HOUR_MS = 3_600_000;

/**
 * What a person wants to know of a miner, what matters most first.
 *
 * @param first `speed` begins with it: a line in a file is found by its first word, and none is cut there
 */
export function statusParts(s: MinerSummary, first: 'outcomes' | 'speed' = 'outcomes'): string[] {
  const rates = (r: Rates): string => r.map((rate) => (rate === undefined ? 'n/a' : formatRate(rate))).join(' ');
  const { p50, p99 } = s.spawnToSubmitMs;
  const parts = [`A ${s.accepted}  L ${s.lost}  R ${s.rejected}`];
  if (s.paused) parts.unshift('paused');
  if (s.fullnodeLostMs !== undefined) parts.unshift(`FULLNODE LOST ${formatDuration(s.fullnodeLostMs)}`);
  if (s.accepted > 0) parts.push(`${formatRate(s.accepted / (Math.max(s.durationMs, 1) / HOUR_MS))}/h`);
  if (s.balanceShannons !== undefined) parts.push(`${shannonsToSoma(s.balanceShannons)} SOMA`);
  if (p50 !== undefined && p99 !== undefined) parts.push(`submit ${p50.toFixed(0)}/${p99.toFixed(0)} ms`);
  parts.push(s.epoch === undefined ? 'waiting for the node' : `epoch ${s.epoch}`);
  const waiting = s.waitingTargets === 0 ? '' : ` (${s.waitingTargets} wait for models)`;
  if (s.epoch !== undefined) parts.push(`targets ${s.openTargets}${waiting}`);
  if (s.reach !== undefined) parts.push(`reach ${(100 * s.reach).toFixed(0)} %`);
  const speed = `speed 10s/60s/15m ${rates(s.samplesPerSecond)} samples/s`;
  const rows = `rows ${rates(s.rowsScannedPerSecond)}`;
  return first === 'speed' ? [speed, ...parts, rows] : [...parts, speed, rows];
}

/**
 * Parts in at most `lines` lines of `width` cells, in their order. A part stands whole or not at all; what comes after
 * one that does not fit is left out.
 */
export function layOut(parts: readonly string[], width: number, lines: number): string[] {
  const out: string[] = [];
  for (const part of parts) {
    const line = out.at(-1);
    if (line !== undefined && textWidth(line) + GAP.length + textWidth(part) <= width) {
      out[out.length - 1] = line + GAP + part;
    } else if (textWidth(part) <= width && out.length < lines) out.push(part);
    else break;
  }
  return out;
}
