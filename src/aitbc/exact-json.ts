import { toJsonLine } from '../text/index.js';
import { isJsonMembers, type JsonNode, parseLosslessJson, stringifyLosslessJson } from './receipts/index.js';
import { type Wire, wireOf } from './wire.js';

const EXACT = Symbol('aitbc.exact');

interface ExactMember {
  readonly name: string;
  readonly node: JsonNode;
}

/**
 * Keeps beside a wire object how one of its free-form members was written, because `1.0` and `1` hash differently.
 *
 * @param text the answer's body
 * @param path name of the member in the body
 * @param name name of the member in `wire`
 */
export function keepExact(wire: Wire, text: string, path: string, name: string): Wire {
  const body = parseLosslessJson(text);
  const node = isJsonMembers(body) ? body.get(path) : undefined;
  if (node !== undefined) Object.defineProperty(wire, EXACT, { value: { name, node } satisfies ExactMember });
  return wire;
}

/**
 * Compact JSON of a result, its free-form member with the number tokens that were on the wire.
 *
 * @param shown the same result in the form wanted, its wire object or itself
 */
export function exactJson(result: object, shown: object = wireOf(result)): string {
  const exact = (wireOf(result) as { [EXACT]?: ExactMember })[EXACT];
  const node = parseLosslessJson(toJsonLine(shown));
  if (exact === undefined || !isJsonMembers(node)) return stringifyLosslessJson(node);
  return stringifyLosslessJson(new Map([...node, [exact.name, exact.node]]));
}
