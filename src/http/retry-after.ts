/** A service that asks for a longer wait is asked again after this many milliseconds anyway. */
const LONGEST_MS = 5 * 60_000;

/**
 * Milliseconds that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3), at most five minutes.
 *
 * @param nowMs the server's time where it is known, for dates
 * @returns 0 for a date that is past; undefined when the header is missing or is neither
 */
export function parseRetryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '') return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_MS);
}
