/** A service that names a longer wait is answered after this many milliseconds anyway. */
const LONGEST_MS = 5 * 60_000;

/** Milliseconds a `Retry-After` header asks for, in seconds or as a date, at most five minutes; undefined without one. */
export function parseRetryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  const seconds = /^\s*\d+(?:\.\d+)?\s*$/.test(header) ? Number(header) : undefined;
  const ms = seconds !== undefined ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_MS);
}

const UNIT_MS: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000 };

/** The window of a sentence such as `1 per 3 minutes`, in milliseconds per call; undefined when none is named. */
export function parseRateText(text: string): number | undefined {
  const match = /(\d+) per (\d+) (second|minute|hour)s?/i.exec(text);
  const unit = UNIT_MS[match?.[3]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) return undefined;
  return (Number(match[2]) * unit) / Math.max(1, Number(match[1]));
}
