import fc from 'fast-check';
import { QuarryError } from '../../src/errors/index.js';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS } from './hostile.js';

const number = fc.constantFrom(...HOSTILE_NUMBERS);
const FLOATS = [Number.NaN, Number.POSITIVE_INFINITY, -0, 3e38, 1e-45, -1];

/** A well-formed message of a few megabytes is a lie already; repeated parts must not make one of gigabytes. */
const MOST_BYTES = 8 * 2 ** 20;

/** A lie of the type of the part it takes the place of, which it repeats at most so often; not every one can be encoded. */
type Lie = (part: unknown, mostTimes: number) => unknown;
const lie: fc.Arbitrary<Lie> = fc
  .record({
    number,
    text: fc.constantFrom(...HOSTILE_TEXTS),
    float: fc.constantFrom(...FLOATS),
    bytes: fc.uint8Array({ maxLength: 100 }),
    times: fc.constantFrom(0, 2, 300),
  })
  .map((drawn) => (part, mostTimes) => {
    const times = Math.min(drawn.times, mostTimes);
    if (typeof part === 'bigint') return drawn.number;
    if (typeof part === 'number') return Number(BigInt.asUintN(32, drawn.number));
    if (typeof part === 'boolean') return !part;
    if (part instanceof Float32Array) return part.map((value, i) => (i === part.length >> 1 ? drawn.float : value));
    if (part instanceof Uint8Array) return times === 0 ? drawn.bytes : Buffer.concat(Array(times).fill(part));
    if (Array.isArray(part)) return Array(times).fill(part).flat();
    return typeof part === 'string' ? drawn.text : undefined;
  });

/** Places of a value's parts, from the whole down. */
function partsOf(value: unknown, path: readonly string[] = []): string[][] {
  const own = [[...path]];
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return own;
  return own.concat(...Object.entries(value).map(([name, inner]) => partsOf(inner, [...path, name])));
}

function changed(value: unknown, [name, ...rest]: readonly string[], change: (part: unknown) => unknown): unknown {
  if (name === undefined) return change(value);
  if (Array.isArray(value)) return value.map((inner, i) => (String(i) === name ? changed(inner, rest, change) : inner));
  const object = value as Record<string, unknown>;
  return { ...object, [name]: changed(object[name], rest, change) };
}

/** Encodings of values with parts replaced by others of their type: well formed, and untrue. */
export function valueLies<T>(values: readonly T[], encode: (value: T) => Uint8Array): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(fc.tuple(fc.nat(10_000), lie), { minLength: 1, maxLength: 3 });
  return fc.tuple(fc.constantFrom(...values), edits).map(([value, list]) => {
    let told: unknown = value;
    let bytes = encode(value);
    for (const [place, change] of list) {
      const parts = partsOf(told);
      const mostTimes = Math.floor(MOST_BYTES / (bytes.length + 1));
      const next = changed(told, parts[place % parts.length] ?? [], (part) => change(part, mostTimes));
      try {
        bytes = encode(next as T);
        told = next;
      } catch (error) {
        // What the type cannot say is not told.
        if (!(error instanceof QuarryError || error instanceof TypeError)) throw error;
      }
    }
    return bytes;
  });
}
