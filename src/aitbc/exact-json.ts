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
 * Attaches the original text of a free-form field to a wire object, because `1.0` and `1` hash differently.
 *
 * @param text the response body
 * @param path name of the field in the body
 * @param name name of the field in `wire`
 */
export function keepExact(wire: Wire, text: string, path: string, name: string): Wire {
  // Parsed only when printed, as the token-preserving parser is slow.
  return Object.defineProperty(wire, EXACT, { value: { name, path, text } satisfies ExactMember });
}

/**
 * Compact JSON of a result, with its free-form field in the original number tokens. If that nests too deeply to parse,
 * the field is printed as JavaScript does.
 *
 * @param shown the same result in the form to print: its wire object or itself
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
