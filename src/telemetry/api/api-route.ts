import type { ServerResponse } from 'node:http';

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A query parameter: an integer within bounds, or a string from a set or matching a pattern. */
export interface ApiParameter {
  readonly name: string;
  readonly description: string;
  readonly schema:
    | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number; readonly default: number }
    | { readonly type: 'string'; readonly enum: readonly string[]; readonly default: string }
    | { readonly type: 'string'; readonly pattern: string };
}

/** A request to a route. */
export interface ApiRequest {
  /** All parameters of the route, validated. */
  readonly query: Readonly<Record<string, string | number>>;
  readonly reply: (status: number, body: string, type?: string) => void;
  readonly response: ServerResponse;
}

/** A route: its handler and its description in `/openapi.json`. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /**
   * `open`: needs no token and reveals nothing about the miner. `read`: needs the token if other machines can reach the
   * API. `control`: always needs the token.
   */
  readonly access: 'open' | 'read' | 'control';
  readonly summary: string;
  readonly parameters?: readonly ApiParameter[];
  /** Status on success. Default 200. */
  readonly status?: number;
  /** Descriptions of other statuses. */
  readonly otherwise?: Readonly<Record<string, string>>;
  /** Media type on success. Default `application/json`. */
  readonly type?: string;
  /** Schema of a JSON body. */
  readonly schema?: JsonSchema;
  readonly answer: (request: ApiRequest) => void | Promise<void>;
}

/**
 * Parses the query parameters.
 *
 * @returns an error text if they are invalid
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
