/** A JSON object as it travels, snake_case. */
export type Wire = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which members of a documented object are documented objects themselves; everything else is left as it is. */
export interface WireShape {
  readonly [member: string]: WireShape;
}

const WIRE = Symbol('aitbc.wire');

/**
 * A documented wire object with camelCase names. Free-form members (payloads, results, metadata) are untouched; the
 * wire object stays reachable through {@link wireOf}.
 *
 * @param shape members to convert inside, by their snake_case name; applies to each item where the member is a list
 */
export function fromWire<T>(wire: Wire, shape: WireShape = {}): T {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(wire)) out[snakeToCamel(name)] = convert(value, shape[name], fromWire);
  Object.defineProperty(out, WIRE, { value: wire, enumerable: false });
  return out as T;
}

/** The snake_case object a result came from. */
export function wireOf(result: object): Wire {
  const wire = (result as { [WIRE]?: Wire })[WIRE];
  return wire ?? toWire(result);
}

/** An input with snake_case names; input that already is snake_case passes unchanged. Undefined members are dropped. */
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
