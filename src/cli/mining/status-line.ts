import type { MinerSummary } from '../../miner/index.js';
import { textWidth } from '../../text/index.js';
import { nodeText, ratesText, STATUS_FIELDS } from './status-fields.js';

const GAP = '  ';

/**
 * The status in parts, most important first.
 *
 * @param first `speed` begins with that instead, for log files: their lines are searched by the first word and never
 * cut
 */
export function statusParts(s: MinerSummary, first: 'outcomes' | 'speed' = 'outcomes'): string[] {
  const { p50, p99 } = s.spawnToSubmitMs;
  const parts = [`A ${s.accepted}  L ${s.lost}  R ${s.rejected}`];
  if (s.paused) parts.unshift('paused');
  // Problems that stop earnings come first.
  if (s.fullnodeLostMs !== undefined) parts.unshift(nodeText(s));
  if (s.accepted > 0) parts.push(STATUS_FIELDS.perHour(s));
  if (s.balanceShannons !== undefined) parts.push(STATUS_FIELDS.balance(s));
  if (p50 !== undefined && p99 !== undefined) parts.push(`submit ${p50.toFixed(0)}/${p99.toFixed(0)} ms`);
  if (s.fullnodeLostMs === undefined) parts.push(nodeText(s));
  if (s.epoch !== undefined) parts.push(`epoch ${s.epoch}`);
  const waiting = s.waitingTargets === 0 ? '' : ` (${s.waitingTargets} wait for models)`;
  if (s.epoch !== undefined) parts.push(`targets ${s.openTargets}${waiting}`);
  if (s.reach !== undefined) parts.push(`reach ${STATUS_FIELDS.reach(s)}`);
  if (s.searched > 0) parts.push(`searched ${s.searched}`);
  const speed = `speed 10s/60s/15m ${STATUS_FIELDS.speed(s)}`;
  const rows = `rows ${ratesText(s.rowsScannedPerSecond)}`;
  return first === 'speed' ? [speed, ...parts, rows] : [...parts, speed, rows];
}

/**
 * Arranges parts in at most `lines` lines of `width` cells, in order. Parts are never split; from the first one that
 * does not fit, the rest is dropped.
 *
 * @param gap separator between parts
 */
export function layOut(parts: readonly string[], width: number, lines: number, gap = GAP): string[] {
  const out: string[] = [];
  for (const part of parts) {
    const line = out.at(-1);
    if (line !== undefined && textWidth(line) + gap.length + textWidth(part) <= width) {
      out[out.length - 1] = line + gap + part;
    } else if (textWidth(part) <= width && out.length < lines) out.push(part);
    else break;
  }
  return out;
}
