/** A parsed `Content-Range` header, in bytes. */
export interface ContentRange {
  /** Position of the first byte sent; undefined in a 416. */
  readonly start: number | undefined;
  /** Size of the whole file; undefined if the server does not know it. */
  readonly total: number | undefined;
}

/** Parses `bytes 10-19/20`, or `bytes` with a star and the total in a 416 (RFC 9110, 14.4); undefined if malformed. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/i.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  return {
    start: match[1] === undefined ? undefined : Number(match[1]),
    total: match[2] === '*' ? undefined : Number(match[2]),
  };
}
