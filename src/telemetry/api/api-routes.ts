import { toJsonLine } from '../../text/index.js';
import type { ApiRequest, ApiRoute } from './api-route.js';
import * as schemas from './api-schemas.js';
import type { History, HistoryBy, MinerStatus, VitalsHistory, Winner } from './api-types.js';
import { type EventFeed, streamEvents } from './event-stream.js';
import { openApiOf } from './open-api.js';
import { PAGE_POLICY, pageFiles } from './page-files.js';

/** Data for the dashboard beside the summary. Every response is bounded, however long the miner has run. */
export interface ApiReads {
  readonly status: () => MinerStatus;
  readonly history: (by: HistoryBy, limit: number) => Promise<History>;
  /** Newest first. */
  readonly submissions: (limit: number) => Promise<readonly unknown[]>;
  readonly vitals: (hours: number) => Promise<VitalsHistory>;
  /** Asks a node, if there is one. `undefined` if it no longer knows the target. */
  readonly winner?: (targetId: string) => Promise<Winner | undefined>;
}

export interface HttpApiDeps {
  /** This program's version. */
  readonly version?: string;
  /** Prometheus text; absent without a miner. */
  readonly metrics?: () => Promise<string>;
  /** The summary object. */
  readonly summary: () => unknown;
  /** Connectivity to the network. */
  readonly health?: (() => { readonly fullnode: 'ok' | 'lost' }) | undefined;
  /** Whether work is in progress, and otherwise why not. */
  readonly ready: () => { readonly ready: boolean; readonly reason?: string | undefined };
  /** Absent if there is no miner to control. */
  readonly control?: { pause(): void; resume(): void; stop(): void };
  /** Events of `/1/events`. */
  readonly events?: EventFeed | undefined;
  /** Enables the dashboard at `/`. */
  readonly reads?: ApiReads;
}

/** Builds all routes that these dependencies support. */
export function apiRoutes(deps: HttpApiDeps): readonly ApiRoute[] {
  const routes: ApiRoute[] = [
    ...probeRoutes(deps),
    ...(deps.metrics === undefined ? [] : [metricsRoute(deps.metrics)]),
    readRoute('/1/summary', 'Totals since the miner started.', schemas.SUMMARY_SCHEMA, async () => deps.summary()),
    ...(deps.events === undefined ? [] : [eventsRoute(deps.events)]),
    ...(deps.reads === undefined ? [] : [...pageRoutes(), ...historyRoutes(deps.reads)]),
    ...(deps.control === undefined ? [] : orderRoutes(deps.control)),
  ];
  const document: ApiRoute = {
    method: 'GET',
    path: '/openapi.json',
    access: 'open',
    summary: 'This document.',
    schema: { type: 'object' },
    answer: ({ reply }) => reply(200, `${toJsonLine(openApiOf([...routes, document], deps.version ?? '0'))}\n`),
  };
  return [...routes, document];
}

function metricsRoute(metrics: () => Promise<string>): ApiRoute {
  const type = 'text/plain; version=0.0.4; charset=utf-8';
  return {
    method: 'GET',
    path: '/metrics',
    access: 'read',
    summary: 'Metrics for Prometheus.',
    type,
    answer: async ({ reply }) => reply(200, await metrics(), type),
  };
}

/** Routes without a token: container probes. */
function probeRoutes(deps: HttpApiDeps): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/health',
      access: 'open',
      summary: 'Whether the process responds, and the state of its fullnode: losing one is not a reason to restart.',
      schema: {
        type: 'object',
        properties: { status: { const: 'ok' }, fullnode: { enum: ['ok', 'lost'] } },
        required: ['status'],
      },
      answer: ({ reply }) => reply(200, `${toJsonLine({ status: 'ok', ...deps.health?.() })}\n`),
    },
    {
      method: 'GET',
      path: '/ready',
      access: 'open',
      summary: 'Whether the miner is working.',
      schema: schemas.READY_SCHEMA,
      otherwise: { 503: 'not now; the body says why' },
      answer: ({ reply }) => {
        const state = deps.ready();
        reply(state.ready ? 200 : 503, `${toJsonLine(state)}\n`);
      },
    },
  ];
}

function pageRoutes(): ApiRoute[] {
  return pageFiles().map(({ path, type, body }) => ({
    method: 'GET',
    path,
    access: 'open',
    summary: path === '/' ? 'The dashboard.' : 'A part of the dashboard.',
    type,
    answer: ({ response, reply }) => {
      response.setHeader('content-security-policy', PAGE_POLICY);
      response.setHeader('referrer-policy', 'no-referrer');
      reply(200, body, type);
    },
  }));
}

function historyRoutes(reads: ApiReads): ApiRoute[] {
  const limit = (most: number, fallback: number) => ({
    name: 'limit',
    description: 'number of latest entries',
    schema: { type: 'integer', minimum: 1, maximum: most, default: fallback } as const,
  });
  const { winner } = reads;
  return [
    readRoute('/1/status', 'Status of the miner.', schemas.STATUS_SCHEMA, async () => reads.status()),
    {
      ...readRoute('/1/history', 'Totals of submissions.', schemas.HISTORY_SCHEMA, ({ by, limit: periods }) =>
        reads.history(by as HistoryBy, Number(periods)),
      ),
      parameters: [
        {
          name: 'by',
          description: 'length of a period',
          schema: { type: 'string', enum: ['hour', 'day', 'epoch'], default: 'hour' },
        },
        limit(500, 48),
      ],
    },
    {
      ...readRoute('/1/submissions', 'The latest submissions.', schemas.SUBMISSIONS_SCHEMA, ({ limit: rows }) =>
        reads.submissions(Number(rows)),
      ),
      parameters: [limit(1_000, 100)],
    },
    {
      ...readRoute('/1/vitals', 'Balance, speed and disk over time.', schemas.VITALS_SCHEMA, ({ hours }) =>
        reads.vitals(Number(hours)),
      ),
      parameters: [
        {
          name: 'hours',
          description: 'number of latest entries',
          schema: { type: 'integer', minimum: 1, maximum: 9_600, default: 48 },
        },
      ],
    },
    ...(winner === undefined ? [] : [winnerRoute(winner)]),
  ];
}

function winnerRoute(winner: NonNullable<ApiReads['winner']>): ApiRoute {
  return {
    method: 'GET',
    path: '/1/winner',
    access: 'read',
    summary: 'Who won a target with a submission of ours, according to the fullnode.',
    schema: schemas.WINNER_SCHEMA,
    otherwise: { 404: 'the fullnode or the journal does not know the target' },
    parameters: [
      {
        name: 'target',
        description: 'its id',
        schema: { type: 'string', pattern: '^0x[0-9a-f]{64}$' },
      },
    ],
    answer: async ({ query, reply }) => {
      const found = await winner(String(query['target']));
      if (found === undefined) reply(404, '{"error":"not known"}\n');
      else reply(200, `${toJsonLine(found)}\n`);
    },
  };
}

function eventsRoute(feed: EventFeed): ApiRoute {
  return {
    method: 'GET',
    path: '/1/events',
    access: 'read',
    summary: 'Server-sent events: `summary` and `status` every second, `outcome` when a submission is answered.',
    type: 'text/event-stream',
    answer: ({ response }) => streamEvents(response, feed),
  };
}

function orderRoutes(control: NonNullable<HttpApiDeps['control']>): ApiRoute[] {
  const verbs = {
    pause: 'Stops scoring and submitting; targets are still followed.',
    resume: 'Resumes after a pause.',
    stop: 'Lets submissions in flight finish, then ends.',
  };
  return (Object.keys(verbs) as (keyof typeof verbs)[]).map((verb) => ({
    method: 'POST',
    path: `/1/${verb}`,
    access: 'control',
    summary: verbs[verb],
    status: 202,
    schema: schemas.ORDER_SCHEMA,
    answer: ({ reply }) => {
      control[verb]();
      reply(202, `{"ok":true,"command":"${verb}"}\n`);
    },
  }));
}

function readRoute(
  path: string,
  summary: string,
  schema: ApiRoute['schema'] & object,
  read: (query: ApiRequest['query']) => Promise<unknown>,
): ApiRoute {
  return {
    method: 'GET',
    path,
    access: 'read',
    summary,
    schema,
    answer: async ({ query, reply }) => reply(200, `${toJsonLine(await read(query))}\n`),
  };
}
