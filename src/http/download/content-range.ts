/** What a `Content-Range` header says, in bytes. */
export interface ContentRange {
  /** Of the first byte sent; undefined in a refusal. */
  readonly start: number | undefined;
  /** Of the whole file; undefined when the server does not know. */
  readonly total: number | undefined;
}

/** `bytes 10-19/20`, or `bytes` with a star and the total of a 416 (RFC 9110, 14.4); undefined when it is neither. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/i.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  return {
    start: match[1] === undefined ? undefined : Number(match[1]),
    total: match[2] === '*' ? undefined : Number(match[2]),
  };
}
