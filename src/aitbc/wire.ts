/** A JSON object on the wire, with snake_case names. */
export type Wire = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields of a documented object that are documented objects themselves; everything else is left unchanged. */
export interface WireShape {
  readonly [member: string]: WireShape;
}

const WIRE = Symbol('aitbc.wire');

/**
 * Converts a documented wire object to camelCase names. Free-form fields (payloads, results, metadata) are unchanged;
 * the wire object stays available through {@link wireOf}.
 *
 * @param shape fields to convert recursively, by snake_case name; for a list, each item is converted
 */
export function fromWire<T>(wire: Wire, shape: WireShape = {}): T {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wire)) out[snakeToCamel(name)] = convert(value, shape[name], fromWire);
  Object.defineProperty(out, WIRE, { value: wire, enumerable: false });
  return out as T;
}

/** The snake_case object that a result was converted from. */
export function wireOf(result: object): Wire {
  const wire = (result as { [WIRE]?: Wire })[WIRE];
  return wire ?? toWire(result);
}

/** Converts input to snake_case names; snake_case input is unchanged. Undefined fields are dropped. */
export function toWire(input: object, shape: WireShape = {}): Wire {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const snake = camelToSnake(name);
    out[snake] = convert(value, shape[snake], toWire);
  }
  return out;
}

function convert(
  value: unknown,
  shape: WireShape | undefined,
  apply: (value: Wire, shape: WireShape) => unknown,
): unknown {
  if (shape === undefined) return value;
  if (Array.isArray(value)) return value.map((item) => (isWire(item) ? apply(item, shape) : item));
  return isWire(value) ? apply(value, shape) : value;
}

/** `job_id` to `jobId`. */
function snakeToCamel(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `jobId` to `job_id`. */
function camelToSnake(name: string): string {
  return /^[a-z]/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
}
