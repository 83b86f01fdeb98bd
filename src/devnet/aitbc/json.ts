import { isLosslessNumber, parse, stringify } from 'lossless-json';

/** A JSON object as it travels. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

/** Parses JSON with number tokens kept: `1.0` is still `1.0` when it is written again. */
export function parseExact(text: string): unknown {
  return parse(text);
}

/** Writes what {@link parseExact} read. */
export function writeExact(value: unknown): string {
  return stringify(value) ?? 'null';
}
