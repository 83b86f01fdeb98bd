/** Maximum wait that another side may ask for, milliseconds; longer requests are cut to this. */
export const LONGEST_REQUESTED_MS = 5 * 60_000;

/**
 * Parses a `Retry-After` header into milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3), at most five minutes.
 *
 * @param nowMs the server's time if known, for dates
 * @returns 0 for a past date; undefined when the header is missing or malformed
 */
export function parseRetryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (text === '') return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LONGEST_REQUESTED_MS);
}
