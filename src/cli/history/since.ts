import { QuarryError } from '../../errors/index.js';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * Parses `--since`: an age (`90m`, `12h`, `7d`, `2w`) or a date (`2026-01-31`, `2026-01-31T12:00Z`).
 *
 * @param nowMs milliseconds since the Unix epoch, as is the result
 * @throws QuarryError `USAGE` when it is neither
 */
export function sinceArgument(text: string, nowMs: number): number {
  const age = /^(\d{1,6})([mhdw])$/.exec(text);
  if (age !== null) return nowMs - Number(age[1]) * UNIT_MS[age[2] as keyof typeof UNIT_MS];
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw new QuarryError('USAGE', `--since expects an age or a date, got "${text.slice(0, 40)}"`, {
    hint: 'for example 12h, 7d or 2026-01-31',
  });
}
