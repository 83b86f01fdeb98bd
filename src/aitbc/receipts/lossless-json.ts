import { QuarryError } from '../../errors/index.js';

/** A JSON number as its original token: `1`, `1.0` and `1e0` stay different. */
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

/** A parsed JSON object; the last duplicate wins. A map, so that no name is special. */
export type JsonMembers = ReadonlyMap<string, JsonNode>;

/** A parsed JSON value that preserves everything a signature covers. */
export type JsonNode = null | boolean | string | JsonNumber | readonly JsonNode[] | JsonMembers;

/** Maximum nesting depth, since the parser recurses; no real receipt comes close. */
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
 * Parses JSON and preserves the token of every number, because `"units": 1.0` and `"units": 1` sign differently.
 *
 * @throws QuarryError `DATA_INVALID` when `text` is not JSON or nests deeper than 256
 */
export function parseLosslessJson(text: string): JsonNode {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonNode {
    const result = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) this.#fail('text after the value');
    return result;
  }

  #value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) this.#fail(`nesting deeper than ${MAX_DEPTH}`);
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonMembers {
    const members = new Map<string, JsonNode>();
    this.#list('}', 'expected "," or "}"', () => {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('expected a member name');
      const name = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ':') this.#fail('expected ":"');
      this.#at++;
      members.set(name, this.#value(depth + 1));
    });
    return members;
  }

  #array(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.#list(']', 'expected "," or "]"', () => items.push(this.#value(depth + 1)));
    return items;
  }

  /** Parses comma-separated items up to the closing bracket. */
  #list(close: string, expected: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      this.#space();
      const next = this.#text[this.#at];
      if (next !== close && next !== ',') this.#fail(expected);
      this.#at++;
      if (next === close) return;
    }
  }

  #string(): string {
    this.#at++; // the opening quote
    for (let out = ''; ; ) {
      PLAIN.lastIndex = this.#at;
      const plain = PLAIN.exec(this.#text)?.[0] ?? '';
      out += plain;
      this.#at += plain.length;
      const c = this.#text[this.#at];
      if (c === '"') {
        this.#at++;
        return out;
      }
      if (c !== '\\') this.#fail(c === undefined ? 'unterminated string' : 'raw control character in a string');
      out += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail('bad \\u escape');
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const char = SHORT_ESCAPES[letter] ?? this.#fail('bad escape');
    this.#at += 2;
    return char;
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#at;
    const token = NUMBER.exec(this.#text)?.[0];
    if (token === undefined) {
      return this.#fail(this.#at >= this.#text.length ? 'unexpected end' : 'unexpected token');
    }
    this.#at += token.length;
    return new JsonNumber(token);
  }

  #word<T>(token: string, value: T): T {
    if (!this.#text.startsWith(token, this.#at)) this.#fail('unexpected token');
    this.#at += token.length;
    return value;
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.#at++;
    }
  }

  #fail(what: string): never {
    throw new QuarryError('DATA_INVALID', `not JSON: ${what} at character ${this.#at}`, {
      details: { position: this.#at },
    });
  }
}

/** Whether a parsed value is a JSON object. */
export function isJsonMembers(node: JsonNode | undefined): node is JsonMembers {
  return node instanceof Map;
}

/** Converts to plain JavaScript: numbers become doubles, maps become objects. */
export function toPlainJson(node: JsonNode): unknown {
  if (node instanceof JsonNumber) return node.valueOf();
  if (Array.isArray(node)) return node.map((item) => toPlainJson(item as JsonNode));
  // Object.fromEntries defines properties, so "__proto__" is data and does not set the prototype.
  if (isJsonMembers(node)) return Object.fromEntries([...node].map(([key, item]) => [key, toPlainJson(item)]));
  return node;
}

/** Serializes a parsed value compactly with the original number tokens, so that it can be forwarded unchanged. */
export function stringifyLosslessJson(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.token;
  if (Array.isArray(node)) return `[${node.map((item) => stringifyLosslessJson(item as JsonNode)).join(',')}]`;
  if (isJsonMembers(node)) {
    return `{${[...node].map(([key, item]) => `${JSON.stringify(key)}:${stringifyLosslessJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(node);
}
