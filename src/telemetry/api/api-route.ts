import type { ServerResponse } from 'node:http';

/** A JSON Schema, as far as it is used here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A query parameter: an integer within bounds, or a string of a set or pattern. */
export interface ApiParameter {
  readonly name: string;
  readonly description: string;
  readonly schema:
    | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number; readonly default: number }
    | { readonly type: 'string'; readonly enum: readonly string[]; readonly default: string }
    | { readonly type: 'string'; readonly pattern: string };
}

/** What a route is given. */
export interface ApiRequest {
  /** Every parameter of the route, checked. */
  readonly query: Readonly<Record<string, string | number>>;
  readonly reply: (status: number, body: string, type?: string) => void;
  readonly response: ServerResponse;
}

/** One route: what it answers, and how the document at `/openapi.json` describes it. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /**
   * `open`: needs no token, reveals nothing of the miner. `read`: needs the token where other machines can reach
   * this. `control`: always needs the token.
   */
  readonly access: 'open' | 'read' | 'control';
  readonly summary: string;
  readonly parameters?: readonly ApiParameter[];
  /** Status of success, 200 unless told. */
  readonly status?: number;
  /** Other statuses it may answer with, and when. */
  readonly otherwise?: Readonly<Record<string, string>>;
  /** Media type of success. Default `application/json`. */
  readonly type?: string;
  /** Of the body, where that is JSON. */
  readonly schema?: JsonSchema;
  readonly answer: (request: ApiRequest) => void | Promise<void>;
}

/**
 * Reads the parameters of a query.
 *
 * @returns what was wrong, as text, when something was
 */
export function queryOf(route: ApiRoute, given: URLSearchParams): Record<string, string | number> | string {
  const query: Record<string, string | number> = {};
  for (const { name, schema } of route.parameters ?? []) {
    const text = given.get(name);
    if (text === null) {
      if (!('default' in schema)) return `"${name}" is missing`;
      query[name] = schema.default;
    } else if (schema.type === 'integer') {
      const value = Number(text);
      if (!/^\d{1,12}$/.test(text) || value < schema.minimum || value > schema.maximum)
        return `"${name}" expects a whole number from ${schema.minimum} to ${schema.maximum}`;
      query[name] = value;
    } else if ('enum' in schema ? schema.enum.includes(text) : new RegExp(schema.pattern).test(text)) {
      query[name] = text;
    } else return `"${name}" expects ${'enum' in schema ? schema.enum.join(', ') : schema.pattern}`;
  }
  return query;
}
