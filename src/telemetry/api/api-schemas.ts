import type { JsonSchema } from './api-route.js';

const amount: JsonSchema = { type: 'string', pattern: '^-?\\d+$', description: 'shannons' };
const integer: JsonSchema = { type: 'integer' };
const number: JsonSchema = { type: 'number' };
const text: JsonSchema = { type: 'string' };
const boolean: JsonSchema = { type: 'boolean' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const counts = { accepted: integer, lost: integer, rejected: integer, pending: integer };

/** An object whose `optional` properties are absent if unknown. */
function object(
  properties: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return { type: 'object', properties: { ...properties, ...optional }, required: Object.keys(properties) };
}

function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

/** Body of every error. */
export const ERROR_SCHEMA: JsonSchema = object({ error: { type: ['string', 'object'] } });

/** Rates over increasing windows; `null` if not yet known. */
const rates = list({ type: ['number', 'null'] });

/** Describes only fields that are always present, as the summary grows with the miner. */
export const SUMMARY_SCHEMA: JsonSchema = object({}, { accepted: integer, lost: integer, rejected: integer });

const scorer = object({
  id: text,
  label: text,
  samples: integer,
  samplesPerSecond: number,
  models: integer,
  seenAgoMs: number,
});

/** The miner's status. */
export const STATUS_SCHEMA: JsonSchema = object(
  {
    at: time,
    version: text,
    live: boolean,
    controllable: boolean,
    stateDir: text,
    totals: object({ ...counts, claimed: integer, unclaimed: integer, receivedShannons: amount, feesShannons: amount }),
    nodes: list(
      object(
        { url: text, connected: boolean, preferred: boolean },
        { latencyMs: number, checkpoint: text, checkpointAgeMs: number, error: text },
      ),
    ),
    models: list(
      object(
        {
          id: text,
          state: { enum: ['waiting', 'fetching', 'ready', 'failed'] },
          receivedBytes: integer,
          sizeBytes: integer,
        },
        { note: text },
      ),
    ),
    store: object({}, { samples: integer, bytes: integer, diskFreeBytes: integer }),
  },
  {
    network: text,
    address: text,
    run: object(
      {
        durationMs: number,
        paused: boolean,
        openTargets: integer,
        samples: integer,
        scored: integer,
        hits: integer,
        submitted: integer,
        queued: integer,
        samplesPerSecond: rates,
        rowsScannedPerSecond: rates,
      },
      { epoch: text, balanceShannons: amount, reach: number },
    ),
    engine: object({ name: text, reason: text, workers: integer, threads: integer, distances: text }),
    fleet: object(
      {
        scorers: integer,
        samples: integer,
        redelivered: integer,
        leftOut: integer,
        keepers: integer,
        keptRows: integer,
        scans: integer,
        partialScans: integer,
      },
      { live: list(scorer), queued: integer },
    ),
  },
);

const histogram = object({ boundsMs: list(number), counts: list(integer) });

/** Submissions by period. */
export const HISTORY_SCHEMA: JsonSchema = object({
  by: { enum: ['hour', 'day', 'epoch'] },
  periods: list(object({ key: text, ...counts, rewardShannons: amount, feesShannons: amount })),
  causes: list(object({ outcome: text, reason: text, count: integer })),
  latency: histogram,
  distances: list(object({ at: integer, distance: number, threshold: number, outcome: text })),
  rows: integer,
  isCut: boolean,
});

/** Individual submissions, newest first. */
export const SUBMISSIONS_SCHEMA: JsonSchema = list(
  object(
    {
      targetId: text,
      outcome: text,
      rewardShannons: amount,
      latencyMs: { type: ['number', 'null'] },
      at: time,
      epoch: text,
      modelId: text,
      poolShannons: amount,
      bondShannons: amount,
      checksum: text,
      digest: text,
    },
    {
      reason: text,
      seenAt: time,
      node: text,
      settledAt: time,
      origin: text,
      distance: number,
      threshold: number,
      feeShannons: amount,
      claim: object({ state: text, dueEpoch: text }, { receivedShannons: amount, feeShannons: amount, at: time }),
    },
  ),
);

/** The miner's state over time. */
export const VITALS_SCHEMA: JsonSchema = object({
  points: list(
    object(
      { at: integer },
      {
        balanceShannons: amount,
        samplesPerSecond: number,
        storeBytes: integer,
        diskFreeBytes: integer,
        reach: number,
      },
    ),
  ),
  wireLatency: histogram,
});

/** Winner of a target. */
export const WINNER_SCHEMA: JsonSchema = object({ status: text }, { submitter: text, distance: number });

/** Whether the miner is working. */
export const READY_SCHEMA: JsonSchema = object({ ready: boolean }, { reason: text });

/** An accepted command. */
export const ORDER_SCHEMA: JsonSchema = object({ ok: boolean, command: text });
