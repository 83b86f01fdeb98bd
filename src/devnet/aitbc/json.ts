import { isLosslessNumber, parse, stringify } from 'lossless-json';

/** A JSON object on the wire. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/** Parses JSON and preserves number tokens: `1.0` is written as `1.0` again. */
export function parseExact(text: string): unknown {
  return parse(text);
}

/** Serialises the result of {@link parseExact}. */
export function writeExact(value: unknown): string {
  return stringify(value) ?? 'null';
}
