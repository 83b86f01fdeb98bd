import { isJsonObject, type Json, type JsonObject } from './json.js';

/** The calls of this client, in the notation of an OpenAPI schema. */
const KNOWN_ENDPOINTS: readonly { readonly method: string; readonly path: string }[] = [
  { method: 'get', path: 'health' },
  { method: 'get', path: 'tasks/get' },
  { method: 'get', path: 'tasks/list' },
  { method: 'get', path: 'tasks/wallet-submissions' },
  { method: 'post', path: 'tasks/submit-result' },
  { method: 'get', path: 'stats/emissions' },
  { method: 'get', path: 'stats/submissions/{}' },
  { method: 'get', path: 'stats/achievements/{}' },
  { method: 'get', path: 'stats/enrolled-tasks/{}' },
  { method: 'post', path: 'tasks/request-validation-assignment/{}' },
  { method: 'post', path: 'tasks/update-validation-assignment/{}' },
  { method: 'get', path: 'stats/models' },
  { method: 'get', path: 'stats/validators' },
];

/** Differences between the service's published schema and this client. */
export interface SchemaDiff {
  /** Calls of this client that the schema does not list. */
  readonly missing: readonly string[];
  /** Operations of the schema that this client does not use. */
  readonly unused: readonly string[];
  /** Values of `status` and `task_type` in the schema. */
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

/** Compares an OpenAPI document with the calls of this client. */
export function diffSchema(document: unknown): SchemaDiff {
  const paths = isJsonObject(document) && isJsonObject(document['paths']) ? document['paths'] : {};
  const offered = new Set<string>();
  for (const [path, operations] of Object.entries(paths)) {
    if (!isJsonObject(operations)) continue;
    const plain = path
      .replace(/^\/?(?:api\/v\d+\/)?/, '')
      .replace(/\/$/, '')
      .replaceAll(/\{[^{}]*\}/g, '{}');
    for (const method of Object.keys(operations)) offered.add(`${method.toLowerCase()} ${plain}`);
  }
  const wanted = KNOWN_ENDPOINTS.map(({ method, path }) => `${method} ${path}`);
  const enums: Record<string, string[]> = {};
  collectEnums(document, undefined, enums, 0);
  return {
    missing: wanted.filter((entry) => !offered.has(entry)),
    unused: [...offered].filter((entry) => !wanted.includes(entry)).sort(),
    enums,
  };
}

function collectEnums(value: unknown, name: string | undefined, out: Record<string, string[]>, depth: number): void {
  if (depth > 30) return;
  if (Array.isArray(value)) for (const entry of value) collectEnums(entry, name, out, depth + 1);
  else if (isJsonObject(value)) {
    const values: Json | undefined = (value as JsonObject)['enum'];
    if (name !== undefined && /status|type|phase|role/i.test(name) && Array.isArray(values)) {
      out[name] = [...new Set([...(out[name] ?? []), ...values.map(String)])];
    }
    for (const [key, inner] of Object.entries(value)) {
      collectEnums(
        inner,
        ['properties', 'schema', 'items', 'anyOf', 'allOf'].includes(key) ? name : key,
        out,
        depth + 1,
      );
    }
  }
}
