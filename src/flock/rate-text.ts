const UNIT_MS: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000 };

const LONGEST_MS = 24 * 3_600_000;

/** Parses a text such as `1 per 3 minutes` to milliseconds per call, at most a day; undefined if it states no rate. */
export function parseRateText(text: string): number | undefined {
  const match = /(?<!\d)(\d+) per (\d+) (second|minute|hour)s?/i.exec(text);
  const unit = UNIT_MS[match?.[3]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) return undefined;
  return Math.min(LONGEST_MS, (Number(match[2]) * unit) / Math.max(1, Number(match[1])));
}
