import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpApi, startHttpApi } from '../../src/telemetry/api/http-api.js';
import { latencyHistogram } from '../../src/telemetry/latency-histogram.js';
import { STATUS } from './status.js';

const TARGET = `0x${'a'.repeat(64)}`;
const LATENCY = latencyHistogram([3, 70_000]);

/** As much of the document as is looked at. */
interface Operation {
  readonly security: readonly Record<string, unknown>[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let api: HttpApi;
let document: Document;
const orders: string[] = [];

beforeAll(async () => {
  const order = (name: string) => () => void orders.push(name);
  api = await startHttpApi(
    { port: 0, token: 't' },
    {
      version: '1.2.3',
      metrics: async () => 'm 1\n',
      summary: () => ({ accepted: 1 }),
      ready: () => ({ ready: true }),
      control: { pause: order('pause'), resume: order('resume'), stop: order('stop') },
      events: (send) => {
        send('status', STATUS);
        return () => {};
      },
      reads: {
        status: () => STATUS,
        history: async (by) => ({
          by,
          periods: [
            {
              ...{ key: '7', accepted: 1, lost: 0, rejected: 0, pending: 0 },
              ...{ rewardShannons: 10n ** 18n, feesShannons: 1n },
            },
          ],
          causes: [{ outcome: 'lost', reason: 'x', count: 1 }],
          latency: LATENCY,
          distances: [{ at: 1, distance: 0.5, threshold: 0.6, outcome: 'accepted' }],
          rows: 1,
          isCut: false,
        }),
        submissions: async () => [],
        vitals: async () => ({
          points: [
            {
              ...{ at: 1, balanceShannons: 4n, samplesPerSecond: undefined, storeBytes: 2 },
              ...{ diskFreeBytes: 3, reach: 0.5 },
            },
          ],
          wireLatency: LATENCY,
        }),
        winner: async (target) =>
          target === TARGET ? { status: 'filled', submitter: '0x2', distance: 0.1 } : undefined,
      },
    },
  );
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
});
afterAll(() => api.close());

describe('the OpenAPI document', () => {
  it('names every route the README and the manual name, and no other', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    const manual = readFileSync(new URL('../../docs/mining.md', import.meta.url), 'utf8');
    const table = manual.slice(manual.indexOf('| route | purpose |'));
    const told = [...table.slice(0, table.indexOf('\n\n')).matchAll(/(?:`|`GET |`POST )(\/[a-z0-9./]*)/g)].map(
      ([, path]) => path,
    );
    const parts = ['/dashboard.js', '/dashboard.css', '/icon.svg'];
    expect(Object.keys(document.paths).sort()).toEqual([...told, ...parts].sort());
  });

  it('says what each route answers', async () => {
    const ajv = new Ajv2020({ strict: true, formats: { 'date-time': true } });
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const query = path === '/1/winner' ? `?target=${TARGET}` : '';
        const response = await fetch(`${api.url}${path}${query}`, {
          method: method.toUpperCase(),
          headers: { authorization: 'Bearer t' },
        });
        const success = Object.keys(operation.responses).find((status) => status.startsWith('2')) ?? '';
        expect([path, response.status]).toEqual([path, Number(success)]);
        const type = response.headers.get('content-type') ?? '';
        expect([path, Object.keys(operation.responses[success]?.content ?? {})]).toEqual([path, [type]]);
        if (type !== 'application/json') {
          await response.body?.cancel();
          continue;
        }
        const validate = ajv.compile(operation.responses[success]?.content[type]?.schema ?? {});
        validate(await response.json());
        expect([path, validate.errors ?? []]).toEqual([path, []]);
      }
    }
    expect(orders.sort()).toEqual(['pause', 'resume', 'stop']);
  });

  it('marks the routes that need the token, and no others', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const needsToken = security.length > 0 && !security.some((each) => Object.keys(each).length === 0);
        const response = await fetch(`${api.url}${path}`, { method: method.toUpperCase() });
        await response.body?.cancel();
        expect([path, response.status === 401]).toEqual([path, needsToken]);
      }
    }
  });

  it.each([
    '/1/history?by=minute',
    '/1/history?limit=0',
    '/1/history?limit=501',
    '/1/submissions?limit=1e3',
    '/1/submissions?limit=99999999999999',
    '/1/vitals?hours=-1',
    '/1/winner',
    '/1/winner?target=0x1',
  ])('refuses %s, in words', async (path) => {
    const response = await fetch(`${api.url}${path}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: expect.stringMatching(/expects|missing/) });
  });
});
