/**
 * Formats a value as one line of JSON. Bigints become decimal strings (JSON numbers lose digits above 2^53), byte
 * arrays base64, typed arrays plain arrays, and non-finite numbers `null`.
 */
export function toJsonLine(value: unknown): string {
  return withoutControls(JSON.stringify(value, replacer));
}

/** Like {@link toJsonLine}, indented. */
export function toJsonPretty(value: unknown): string {
  return withoutControls(JSON.stringify(value, replacer, 2));
}

/** Escapes control characters that JSON allows in strings but terminals act on. */
function withoutControls(json: string): string {
  return json?.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Float32Array || value instanceof Float64Array) return Array.from(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}
