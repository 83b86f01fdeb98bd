import { toJsonLine } from '../text/index.js';
import { isJsonMembers, parseLosslessJson, stringifyLosslessJson } from './receipts/index.js';
import { type Wire, wireOf } from './wire.js';

const EXACT = Symbol('aitbc.exact');

interface ExactMember {
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

/**
 * Keeps beside a wire object how one of its free-form members was written, because `1.0` and `1` hash differently.
 *
 * @param text the answer's body
 * @param path name of the member in the body
 * @param name name of the member in `wire`
 */
export function keepExact(wire: Wire, text: string, path: string, name: string): Wire {
  // Parsed only where it is printed: the parser that keeps tokens is slow.
  return Object.defineProperty(wire, EXACT, { value: { name, path, text } satisfies ExactMember });
}

/**
 * Compact JSON of a result, its free-form member with the number tokens that were on the wire. What is too deep for that
 * is printed as JavaScript has it.
 *
 * @param shown the same result in the form wanted, its wire object or itself
 */
export function exactJson(result: object, shown: object = wireOf(result)): string {
  const plain = toJsonLine(shown);
  const exact = (wireOf(result) as { [EXACT]?: ExactMember })[EXACT];
  if (exact === undefined) return plain;
  try {
    const body = parseLosslessJson(exact.text);
    const node = isJsonMembers(body) ? body.get(exact.path) : undefined;
    const members = parseLosslessJson(plain);
    if (node === undefined || !isJsonMembers(members)) return plain;
    return stringifyLosslessJson(new Map([...members, [exact.name, node]]));
  } catch {
    return plain;
  }
}
