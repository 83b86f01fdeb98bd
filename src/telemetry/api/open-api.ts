import type { ApiRoute } from './api-route.js';
import { ERROR_SCHEMA } from './api-schemas.js';

/** The OpenAPI 3.1 document of these routes. */
export function openApiOf(routes: readonly ApiRoute[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Quarry',
      version,
      description:
        'A miner of open AI networks: its state, its history, and its control. Amounts are decimal strings of shannons (1 SOMA = 1,000,000,000).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'QUARRY_API_TOKEN' } },
      schemas: { Error: ERROR_SCHEMA },
    },
  };
}

function operationOf(route: ApiRoute): Record<string, unknown> {
  const { access, summary, parameters = [], status = 200, type = 'application/json', schema } = route;
  const failure = (description: string): unknown => ({
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  });
  return {
    summary,
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[^a-z]+(.)?/gi, (_, c = '') => String(c).toUpperCase()) || 'Page'}`,
    // Reading needs the token only if other machines can reach the API.
    security: { open: [], read: [{}, { token: [] }], control: [{ token: [] }] }[access],
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ name, description, schema: shape }) => ({
        name,
        in: 'query',
        description,
        required: !('default' in shape),
        schema: shape,
      })),
    }),
    responses: {
      [status]: { description: 'as asked', content: { [type]: { schema: schema ?? { type: 'string' } } } },
      ...(parameters.length > 0 && { 400: failure('a parameter is wrong') }),
      ...(access !== 'open' && { 401: failure('the token is missing or wrong') }),
      ...(access === 'control' && { 403: failure('no token is configured: control is disabled') }),
      ...Object.fromEntries(Object.entries(route.otherwise ?? {}).map(([code, why]) => [code, failure(why)])),
    },
  };
}
