import { canonicalJson } from './canonical-json.js';
import { isJsonMembers, type JsonMembers, type JsonNode, JsonNumber } from './lossless-json.js';

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[a-z]+|[{}[\],:]|\s+/gy;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(.))/g;

/**
 * Finds the first part of a receipt's text that could be changed without invalidating the signature: another spelling
 * of a number or escape, whitespace other than spaces, and nulls and repeated names, which are not signed. If there is
 * none (undefined), changing any byte changes what is verified.
 *
 * @param text valid JSON; a trailing newline is ignored
 * @param parsed the parsed text
 */
export function unsignedSpelling(text: string, parsed: JsonNode): string | undefined {
  const receipt = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (!receipt.startsWith('{') || !receipt.endsWith('}')) return 'whitespace around the receipt';
  let names = 0;
  for (const { 0: token, index } of receipt.matchAll(TOKEN)) {
    if (token === ':') names++;
    const what = spellingOf(token);
    if (what !== undefined) return `${what} at character ${index}`;
  }
  if (names !== countMembers(parsed)) return 'a repeated member name';
  return isJsonMembers(parsed) && hasOtherBase64(parsed) ? 'the base64 of a key or signature' : undefined;
}

/**
 * Padded base64 or base64url without padding: they differ in length, so no single changed byte turns one into the
 * other.
 */
function hasOtherBase64(receipt: JsonMembers): boolean {
  const attestations = receipt.get('attestations');
  const objects = [receipt.get('signature'), ...(Array.isArray(attestations) ? (attestations as JsonNode[]) : [])];
  return objects.some((object) => {
    if (!isJsonMembers(object)) return false;
    return ['sig', 'signature', 'key_id', 'public_key'].some((name) => {
      const value = object.get(name);
      if (typeof value !== 'string') return false;
      const bytes = Buffer.from(value, 'base64');
      return value !== bytes.toString('base64') && value !== bytes.toString('base64url');
    });
  });
}

function spellingOf(token: string): string | undefined {
  if (token === 'null') return 'null';
  if (token.startsWith('"')) return hasOtherEscape(token) ? 'an escape' : undefined;
  if (/^\s/.test(token)) return /^ +$/.test(token) ? undefined : 'whitespace';
  if (!/^[-\d]/.test(token)) return undefined;
  const canonical = canonicalJson(new JsonNumber(token));
  // Serializers of deployed coordinators also write `1e-6` for Python's `1e-06`; the two differ in length.
  const short = canonical.replace(/e\+?(-?)0*(\d)/, 'e$1$2');
  return token === canonical || token === short ? undefined : 'the notation of a number';
}

/** Whether a string token escapes something differently from the signed form. */
function hasOtherEscape(token: string): boolean {
  for (const [whole, hex, letter] of token.matchAll(ESCAPE)) {
    const char = hex === undefined ? undefined : String.fromCharCode(Number.parseInt(hex, 16));
    if (char === undefined ? !'"\\bfnrt'.includes(letter ?? '') : canonicalJson(char) !== `"${whole}"`) return true;
  }
  return false;
}

function countMembers(node: JsonNode): number {
  if (isJsonMembers(node)) return [...node.values()].reduce<number>((sum, item) => sum + 1 + countMembers(item), 0);
  if (!Array.isArray(node)) return 0;
  return (node as readonly JsonNode[]).reduce<number>((sum, item) => sum + countMembers(item), 0);
}
