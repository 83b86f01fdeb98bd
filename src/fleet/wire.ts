import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { ErrorBound, Precision, Score } from '../engine/contract.js';
import { QuarryError } from '../errors/index.js';
import type { WeightsManifest } from '../weights/manifest.js';
import { assertModelConfig, type ModelConfig } from '../weights/model-config.js';

/** What a scorer needs to know about a model. All of it is public on chain. */
export interface PublishedModel {
  readonly manifest: WeightsManifest;
  readonly config: ModelConfig;
}

/** The precision a job asks for: the scorer's default, or f32 to decide near-ties. */
export type JobPrecision = 'own' | 'f32';
export const JOB_PRECISIONS = ['own', 'f32'] as const;

/** One sample to score. */
export interface Job {
  readonly id: string;
  /** Subject to send the answer to. */
  readonly reply: string;
  readonly seed: bigint;
  readonly sample: Uint8Array;
}

/** Fields of every answer. */
export interface Delivered {
  readonly jobId: string;
  readonly scorer: string;
  /** Deliveries of the job so far, including this one. */
  readonly deliveries: number;
}

/** A scorer's answer to a scoring job. */
export interface Answer extends Delivered {
  readonly score: Score;
  readonly bound: ErrorBound;
}

/** The coordinator's reply to an answer. A refused sample is requeued; a quarantined scorer must stop. */
export type Receipt = 'taken' | 'refused' | 'quarantined';

/** Largest error bound accepted from a scorer. Auditors allow 1 % of loss and distance; distances are about 1. */
export const MOST_BOUND: ErrorBound = { loss: 0.1, distance: 0.01 };

/** Subject of a model's jobs. */
export function workSubject(prefix: string, identity: string, precision: JobPrecision): string {
  return `${prefix}.work.${identity}.${precision}`;
}

/** Consumer of samples to score and keep. */
export const KEEP_CONSUMER = 'keep';

/** Subject of samples that a scorer scores under all models and keeps. */
export function keepSubject(prefix: string): string {
  return `${prefix}.work.keep`;
}

/** Consumer of a model's jobs. */
export function consumerName(identity: string, precision: JobPrecision): string {
  return `${identity.slice(0, 32)}-${precision}`;
}

export function jobHeaders({ id, reply, seed }: Omit<Job, 'sample'>): MsgHdrs {
  return headersOf({ job: id, reply, seed: seed.toString() });
}

/** @throws QuarryError `PROTOCOL` when the message is not a job */
export function readJob(message: Msg): Job {
  const id = text(message, 'job');
  const seed = text(message, 'seed');
  if (!/^\d{1,20}$/.test(seed)) throw new QuarryError('PROTOCOL', 'a job without a seed');
  return { id, reply: text(message, 'reply'), seed: BigInt(seed), sample: Uint8Array.from(message.data) };
}

export function answerHeaders(answer: Answer): MsgHdrs {
  const { score, bound } = answer;
  return headersOf({
    job: answer.jobId,
    scorer: answer.scorer,
    deliveries: String(answer.deliveries),
    loss: String(score.loss),
    precision: score.precision,
    'loss-bound': String(bound.loss),
    'distance-bound': String(bound.distance),
  });
}

/** Headers of the answer that a sample is kept and scored under every model its scorer knows. */
export function keptHeaders({ jobId, scorer, deliveries }: Delivered): MsgHdrs {
  return headersOf({ job: jobId, scorer, deliveries: String(deliveries) });
}

/**
 * Reads {@link keptHeaders}.
 *
 * @throws QuarryError `PROTOCOL` when they are malformed
 */
export function readKept(message: Msg): Delivered {
  return { ...senderOf(message), deliveries: finite(message, 'deliveries') };
}

/** Encodes an embedding as little-endian f32. */
export function embeddingBytes(embedding: Float32Array): Uint8Array {
  return new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
}

/**
 * Reads only the sender and job of an answer, so that a malformed answer can still be attributed.
 *
 * @throws QuarryError `PROTOCOL` when either is missing or the scorer id is malformed
 */
export function senderOf(message: Msg): { readonly jobId: string; readonly scorer: string } {
  const scorer = text(message, 'scorer');
  if (!/^[0-9a-f]{8}$/.test(scorer)) throw new QuarryError('PROTOCOL', 'an answer from a scorer with a malformed id');
  return { jobId: text(message, 'job'), scorer };
}

/** @throws QuarryError `PROTOCOL` or `NON_FINITE` when the answer cannot come from a model with this embedding width */
export function readAnswer(message: Msg, embeddingDim: number): Answer {
  const { jobId, scorer } = senderOf(message);
  const loss = finite(message, 'loss');
  const precision = text(message, 'precision');
  if (precision !== 'f32' && precision !== 'bf16' && precision !== 'f16') {
    throw new QuarryError('PROTOCOL', `an answer in the unknown format "${precision.slice(0, 16)}"`);
  }
  if (message.data.length !== embeddingDim * 4) {
    throw new QuarryError('PROTOCOL', `an embedding of ${message.data.length} bytes, not ${embeddingDim * 4}`);
  }
  const embedding = new Float32Array(Uint8Array.from(message.data).buffer);
  if (!embedding.every(Number.isFinite) || embedding.every((value) => value === 0)) {
    throw new QuarryError('NON_FINITE', 'an embedding that is zero or not finite');
  }
  const bound = { loss: finite(message, 'loss-bound'), distance: finite(message, 'distance-bound') };
  if (
    !(bound.loss >= 0 && bound.loss <= MOST_BOUND.loss && bound.distance >= 0 && bound.distance <= MOST_BOUND.distance)
  ) {
    throw new QuarryError('PROTOCOL', 'an answer with an implausibly large error bound');
  }
  const deliveries = finite(message, 'deliveries');
  return { jobId, scorer, deliveries, bound, score: { loss, embedding, precision: precision as Precision } };
}

/** Stream sequence in a max-deliveries advisory; undefined if malformed, as anyone on the server can publish one. */
export function exhaustedSeq(advisory: Msg): number | undefined {
  try {
    const { stream_seq: seq } = advisory.json<{ stream_seq: unknown }>();
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 ? seq : undefined;
  } catch {
    return undefined;
  }
}

export function encodeModel({ manifest, config }: PublishedModel): string {
  const decryptionKey = Buffer.from(manifest.decryptionKey).toString('hex');
  return JSON.stringify({ manifest: { ...manifest, decryptionKey }, config });
}

/** @throws QuarryError `PROTOCOL` when the model is malformed */
export function decodeModel(json: string): PublishedModel {
  try {
    const { manifest, config } = JSON.parse(json) as {
      manifest: Omit<WeightsManifest, 'decryptionKey'> & { decryptionKey: string };
      config: ModelConfig;
    };
    assertModelConfig(config);
    const { url, checksum, sizeBytes, decryptionKey } = manifest;
    if (!URL.canParse(url) || !/^[0-9a-f]{64}$/.test(checksum) || !/^[0-9a-f]{64}$/.test(decryptionKey)) {
      throw new QuarryError('PROTOCOL', 'malformed manifest');
    }
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1) throw new QuarryError('PROTOCOL', 'malformed size');
    const key = new Uint8Array(Buffer.from(decryptionKey, 'hex'));
    return { manifest: { url, checksum, sizeBytes, decryptionKey: key }, config };
  } catch (error) {
    throw new QuarryError('PROTOCOL', 'the fleet describes a model that cannot be loaded', { cause: error });
  }
}

function headersOf(fields: Readonly<Record<string, string>>): MsgHdrs {
  const all = headers();
  for (const [name, value] of Object.entries(fields)) all.set(`quarry-${name}`, value);
  return all;
}

function text(message: Msg, name: string): string {
  const value = message.headers?.get(`quarry-${name}`) ?? '';
  if (value === '') throw new QuarryError('PROTOCOL', `a message without ${name}`);
  return value;
}

function finite(message: Msg, name: string): number {
  const value = Number(text(message, name));
  if (!Number.isFinite(value)) throw new QuarryError('NON_FINITE', `${name} is not finite`);
  return value;
}
