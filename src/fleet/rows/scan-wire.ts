import { z } from 'zod';
import type { Precision } from '../../engine/contract.js';
import { QuarryError } from '../../errors/index.js';
import type { MatchTarget, StoredScore } from '../../store/index.js';
import { packFrame, unpackFrame } from './frame.js';

/** Targets per message at most; fewer if the server's message size requires it. */
export const TARGETS_PER_SCAN = 64;
/** Models per target; more than any network uses. */
const MOST_MODELS = 64;

const HEX = z.string().regex(/^[0-9a-f]{64}$/);
const SCORER = z.string().regex(/^[0-9a-f]{8}$/);
const COUNT = z.number().int().min(0);

const REQUEST = z.object({
  pick: z.enum(['first', 'closest', 'cheapest']),
  margin: z.number(),
  f32Bound: z.number().min(0),
  /** `null` if unknown: any lead may then be a near-tie. */
  lowBound: z.number().min(0).nullable(),
  maxParts: COUNT.max(64),
  fewest: z.boolean(),
  waitMs: COUNT,
  /** Mark from which each scorer searches; `null` searches all rows. */
  seen: z.record(SCORER, COUNT).nullable(),
  dim: z.number().int().min(1).max(65_536),
  models: z.array(z.object({ architecture: z.string().max(32), checksum: HEX })).max(1_024),
  targets: z
    .array(
      z.object({
        id: z.string().max(128),
        models: z.array(COUNT).min(1).max(MOST_MODELS),
        threshold: z.number(),
        exclude: z.array(HEX),
      }),
    )
    .min(1)
    .max(TARGETS_PER_SCAN),
});

/** A search that the coordinator sends to all scorers that keep rows. */
export type ScanRequest = Omit<z.infer<typeof REQUEST>, 'targets' | 'models' | 'dim'> & {
  readonly targets: readonly (MatchTarget & { readonly exclude: readonly string[] })[];
};

const HIT = z.object({
  scorer: SCORER,
  targetId: z.string().max(128),
  checksum: HEX,
  sizeBytes: z.number().int().min(1),
  distance: z.number(),
  composed: z.boolean(),
  precisions: z
    .array(z.enum(['f32', 'bf16', 'f16']))
    .min(1)
    .max(MOST_MODELS),
});

/** A hit that a scorer claims, with the sample's scores under the target's models. */
export type ScanHit = Omit<z.infer<typeof HIT>, 'precisions'> & { readonly scores: readonly StoredScore[] };

const DONE = z.object({ scorer: SCORER, done: z.literal(true), seen: COUNT });

/** A scorer's final reply to a request. */
export type ScanDone = z.infer<typeof DONE>;

export function encodeRequest(request: ScanRequest): Uint8Array {
  const { targets, ...rest } = request;
  const models = [...new Map(targets.flatMap((t) => t.models).map((key) => [key.checksum, key])).values()];
  const at = new Map(models.map(({ checksum }, i) => [checksum, i]));
  const json = {
    ...rest,
    dim: targets[0]?.embedding.length,
    models,
    targets: targets.map(({ id, threshold, exclude, models: keys }) => {
      return { id, threshold, exclude, models: keys.map(({ checksum }) => at.get(checksum)) };
    }),
  };
  return packFrame(
    json,
    targets.map(({ embedding }) => embedding),
  );
}

/** @throws QuarryError `PROTOCOL` when the request is malformed */
export function decodeRequest(bytes: Uint8Array): ScanRequest {
  const { json, floats } = unpackFrame(bytes);
  const { targets, models, dim, ...rest } = parsed(REQUEST, json);
  if (floats.length !== targets.length * dim || !floats.every(Number.isFinite)) throw malformed();
  return {
    ...rest,
    targets: targets.map(({ models: indices, ...target }, t) => {
      const keys = indices.flatMap((i) => models[i] ?? []);
      if (keys.length < indices.length) throw malformed();
      return { ...target, models: keys, embedding: floats.slice(t * dim, (t + 1) * dim) };
    }),
  };
}

export function encodeHit({ scores, ...hit }: ScanHit): Uint8Array {
  const json = { ...hit, precisions: scores.map(({ precision }) => precision) };
  return packFrame(
    json,
    scores.flatMap(({ loss, embedding }) => [Float32Array.of(loss), embedding]),
  );
}

export function encodeDone(done: ScanDone): Uint8Array {
  return packFrame(done);
}

/** @throws QuarryError `PROTOCOL` when the reply is malformed; does not check embedding widths or loss values */
export function decodeReply(bytes: Uint8Array): ScanHit | ScanDone {
  const { json, floats } = unpackFrame(bytes);
  const done = DONE.safeParse(json);
  if (done.success) return done.data;
  const { precisions, ...hit } = parsed(HIT, json);
  const width = floats.length / precisions.length;
  if (!Number.isInteger(width) || width < 2) throw malformed();
  const scores = precisions.map((precision: Precision, i) => {
    return {
      loss: floats[i * width] ?? Number.NaN,
      embedding: floats.slice(i * width + 1, (i + 1) * width),
      precision,
    };
  });
  return { ...hit, scores };
}

function parsed<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw malformed(result.error);
}

function malformed(cause?: unknown): QuarryError {
  return new QuarryError('PROTOCOL', 'a malformed message about rows', { cause });
}
