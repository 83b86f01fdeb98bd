/**
 * One line of JSON. Bigints become decimal strings (JSON numbers lose digits above 2^53), byte arrays base64, vectors
 * arrays; non-finite numbers become `null` as JSON has none.
 */
export function toJsonLine(value: unknown): string {
  return withoutControls(JSON.stringify(value, replacer));
}

/** The same, indented for people. */
export function toJsonPretty(value: unknown): string {
  return withoutControls(JSON.stringify(value, replacer, 2));
}

/** JSON leaves these as they are, and terminals obey them; inside a string an escape means the same. */
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
