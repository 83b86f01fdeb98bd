import { QuarryError } from '../../errors/index.js';

/** A JSON number kept as the token that was on the wire: `1`, `1.0` and `1e0` stay different. */
export class JsonNumber {
  readonly token: string;

  constructor(token: string) {
    this.token = token;
  }

  /** Whether the token is an integer: no `.`, `e` or `E`. */
  get isInteger(): boolean {
    return !/[.eE]/.test(this.token);
  }

  /** The nearest IEEE double. */
  valueOf(): number {
    return Number(this.token);
  }
}

/** A parsed JSON object: member name to value, last duplicate wins. A map, so that no name is special. */
export type JsonMembers = ReadonlyMap<string, JsonNode>;

/** A parsed JSON value that lost nothing a signature covers. */
export type JsonNode = null | boolean | string | JsonNumber | readonly JsonNode[] | JsonMembers;

/** Deeper nesting than this is refused; no receipt comes near it and the parser recurses. */
const MAX_DEPTH = 256;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters inside strings
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Parses JSON text and keeps every number's token, because `"units": 1.0` and `"units": 1` sign differently.
 *
 * @throws QuarryError `DATA_INVALID` when `text` is not JSON or nests deeper than 256
 */
export function parseLosslessJson(text: string): JsonNode {
  let at = 0;

  const fail = (what: string): never => {
    throw new QuarryError('DATA_INVALID', `not JSON: ${what} at character ${at}`, { details: { position: at } });
  };
  const space = (): void => {
    for (;;) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      at++;
    }
  };
  const word = <T>(token: string, value: T): T => {
    if (!text.startsWith(token, at)) fail('unexpected token');
    at += token.length;
    return value;
  };

  const string = (): string => {
    at++; // the opening quote
    let out = '';
    for (;;) {
      PLAIN.lastIndex = at;
      const plain = PLAIN.exec(text)?.[0] ?? '';
      out += plain;
      at += plain.length;
      const c = text[at];
      if (c === '"') {
        at++;
        return out;
      }
      if (c !== '\\') return fail(c === undefined ? 'unterminated string' : 'raw control character in a string');
      const letter = text[at + 1] ?? '';
      if (letter === 'u') {
        const hex = text.slice(at + 2, at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) fail('bad \\u escape');
        out += String.fromCharCode(Number.parseInt(hex, 16));
        at += 6;
        continue;
      }
      const short = SHORT_ESCAPES[letter];
      if (short === undefined) return fail('bad escape');
      out += short;
      at += 2;
    }
  };

  const value = (depth: number): JsonNode => {
    if (depth > MAX_DEPTH) fail(`nesting deeper than ${MAX_DEPTH}`);
    space();
    const c = text[at];
    if (c === '{') {
      const members = new Map<string, JsonNode>();
      at++;
      space();
      if (text[at] === '}') {
        at++;
        return members;
      }
      for (;;) {
        space();
        if (text[at] !== '"') fail('expected a member name');
        const name = string();
        space();
        if (text[at] !== ':') fail('expected ":"');
        at++;
        members.set(name, value(depth + 1));
        space();
        if (text[at] === '}') {
          at++;
          return members;
        }
        if (text[at] !== ',') fail('expected "," or "}"');
        at++;
      }
    }
    if (c === '[') {
      const items: JsonNode[] = [];
      at++;
      space();
      if (text[at] === ']') {
        at++;
        return items;
      }
      for (;;) {
        items.push(value(depth + 1));
        space();
        if (text[at] === ']') {
          at++;
          return items;
        }
        if (text[at] !== ',') fail('expected "," or "]"');
        at++;
      }
    }
    if (c === '"') return string();
    if (c === 't') return word('true', true);
    if (c === 'f') return word('false', false);
    if (c === 'n') return word('null', null);
    NUMBER.lastIndex = at;
    const token = NUMBER.exec(text)?.[0];
    if (token === undefined) return fail(c === undefined ? 'unexpected end' : 'unexpected token');
    at += token.length;
    return new JsonNumber(token);
  };

  const result = value(0);
  space();
  if (at !== text.length) fail('text after the value');
  return result;
}

/** Whether a parsed value is a JSON object. */
export function isJsonMembers(node: JsonNode | undefined): node is JsonMembers {
  return node instanceof Map;
}

/** The value as ordinary JavaScript: numbers become doubles, maps become objects. */
export function toPlainJson(node: JsonNode): unknown {
  if (node instanceof JsonNumber) return node.valueOf();
  if (Array.isArray(node)) return node.map((item) => toPlainJson(item as JsonNode));
  // Object.fromEntries defines members, so a name like "__proto__" is data and not a prototype.
  if (isJsonMembers(node)) return Object.fromEntries([...node].map(([key, item]) => [key, toPlainJson(item)]));
  return node;
}

/**
 * Compact JSON text of a parsed value, every number as its own token: what was parsed can be sent on unchanged.
 */
export function stringifyLosslessJson(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.token;
  if (Array.isArray(node)) return `[${node.map((item) => stringifyLosslessJson(item as JsonNode)).join(',')}]`;
  if (isJsonMembers(node)) {
    return `{${[...node].map(([key, item]) => `${JSON.stringify(key)}:${stringifyLosslessJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(node);
}
