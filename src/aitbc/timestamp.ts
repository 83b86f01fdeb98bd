/**
 * Normalises a timestamp to the documented form. Deployed coordinators omit the offset (meaning UTC), and some fields
 * end in `+00:00Z`; both become ISO-8601 with one offset. Other text is returned unchanged.
 */
export function normaliseTimestamp(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([+-]\d\d:?\d\d)?(Z?)$/.exec(text);
  if (match === null) return text;
  const [, moment = '', offset = ''] = match;
  const stem = moment.replace(' ', 'T');
  return offset === '' || /^[+-]00:?00$/.test(offset) ? `${stem}Z` : `${stem}${offset}`;
}

/** Unix seconds as ISO-8601 UTC. */
export function fromUnixSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
