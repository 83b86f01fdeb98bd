import { randomUUID } from 'node:crypto';
import type { LoadedModel, Score } from '../engine/contract.js';
import { isAbort, type QuarryError, toQuarryError } from '../errors/index.js';
import { type Backoff, backoffDelayMs, sleep } from '../net/index.js';
import { weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';
import { DeliveriesInHand } from './deliveries-in-hand.js';
import { handIn, quarantined } from './hand-in.js';
import type { ModelShelf } from './model-shelf.js';
import { type Delivery, fairShare, pullJobs } from './pull.js';
import type { ScorerStatus } from './scorer-status.js';
import {
  type Answer,
  answerHeaders,
  consumerName,
  decodeModel,
  embeddingBytes,
  JOB_PRECISIONS,
  type Job,
  type JobPrecision,
  type PublishedModel,
} from './wire.js';

export interface ScorerNodeOptions {
  /** Display name of this scorer. */
  readonly label: () => string;
  /** Largest batch. */
  readonly mostSamples: number;
  /** Batches are sized to take about this long to score, milliseconds. */
  readonly batchMs: number;
  /** Number of rows this scorer keeps. Absent if it keeps none. */
  readonly keptRows?: (() => number) | undefined;
  readonly onWarning: (error: QuarryError) => void;
}

/** Where a scorer gets its models. */
export type ScorerModels = Pick<ModelShelf, 'loaded' | 'use'>;

/** A queue this scorer can pull from. */
interface Queue {
  readonly model: PublishedModel;
  readonly identity: string;
  readonly precision: JobPrecision;
}

/** Delivered jobs of one queue. */
interface Batch {
  readonly queue: Queue;
  readonly deliveries: readonly Delivery[];
  readonly inHand: DeliveriesInHand;
}

const STATUS_MS = 2_000;
const IDLE: Backoff = { baseMs: 20, maxMs: 250 };
/** The next batch is pulled this long before the current one should be done. */
const AHEAD_MS = 250;
/** Pause before a model that failed to load is tried again. */
const FAILED_MODEL_MS = 30_000;

/**
 * Pulls a fleet's jobs, scores them and answers. Stateless: jobs in hand when it stops are redelivered to other
 * scorers.
 */
export class ScorerNode {
  readonly id = randomUUID().slice(0, 8);
  readonly #fleet: FleetConnection;
  readonly #models: ScorerModels;
  readonly #options: ScorerNodeOptions;
  readonly #queues = new Map<string, Queue>();
  /** When a model that failed to load can be tried again, by weights identity. */
  readonly #failed = new Map<string, number>();
  /** Jobs left in each queue when it was last pulled from. */
  readonly #waiting = new Map<string, number>();
  #samples = 0;
  /** Samples per second, smoothed; 0 before the first batch. */
  #speed = 0;
  #quarantined = false;
  /** Creation time of the models bucket being watched. */
  #watched: string | undefined;
  #stopWatching = async (): Promise<void> => {};

  constructor(options: ScorerNodeOptions, deps: { readonly fleet: FleetConnection; readonly models: ScorerModels }) {
    this.#options = options;
    this.#fleet = deps.fleet;
    this.#models = deps.models;
  }

  /** Models the coordinator has published. */
  get known(): readonly PublishedModel[] {
    return [...this.#queues.values()].flatMap(({ model, precision }) => (precision === 'own' ? [model] : []));
  }

  get status(): ScorerStatus {
    const { label } = this.#options;
    const samplesPerSecond = Math.round(this.#speed * 100) / 100;
    return {
      id: this.id,
      label: label(),
      models: this.#models.loaded,
      samples: this.#samples,
      samplesPerSecond,
      keptRows: this.#options.keptRows?.(),
      seenAt: Date.now(),
    };
  }

  /**
   * Scores until the signal fires.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when the coordinator has quarantined this scorer
   */
  async run(signal: AbortSignal): Promise<void> {
    await this.#follow();
    await this.#tell();
    const ended = new AbortController();
    const beating = this.#beatUntil(ended.signal);
    try {
      await this.#workUntil(signal);
    } finally {
      ended.abort();
      await beating;
      await this.#stopWatching();
      await this.#fleet.scorers.delete(this.id).catch(() => {});
    }
    if (this.#quarantined) throw quarantined();
  }

  async #beatUntil(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await sleep(STATUS_MS, ended).catch(() => {});
      if (ended.aborted) return;
      await this.#tell();
      await this.#follow().catch(() => {});
    }
  }

  /** Watches the models bucket; starts over if it was recreated, as after the server lost its disk. */
  async #follow(): Promise<void> {
    const { created } = (await this.#fleet.models.status()).streamInfo;
    if (created === this.#watched) return;
    await this.#stopWatching();
    this.#queues.clear();
    const watch = await this.#fleet.models.watch();
    const watching = (async () => {
      for await (const { key, operation, value } of watch) this.#learn(key, operation, value);
    })();
    watching.catch(() => {});
    this.#watched = created;
    this.#stopWatching = async () => {
      watch.stop();
      await watching.catch(() => {});
    };
  }

  #learn(identity: string, operation: 'PUT' | 'DEL' | 'PURGE', value: Uint8Array): void {
    for (const precision of JOB_PRECISIONS) {
      const name = consumerName(identity, precision);
      this.#queues.delete(name);
      if (operation !== 'PUT') continue;
      try {
        const model = decodeModel(new TextDecoder().decode(value));
        if (weightsIdentity(model.manifest) === identity) this.#queues.set(name, { model, identity, precision });
      } catch (error) {
        this.#options.onWarning(toQuarryError(error, 'reading a model'));
      }
    }
  }

  /**
   * Pulls the next batch: near-ties (f32) of loaded models first, then their other queues round-robin. Models that are
   * not loaded come only once all of these are empty.
   *
   * @param loadedOnly skips models that are not loaded
   */
  async #next(loadedOnly: boolean): Promise<Batch | undefined> {
    const loaded = new Set(this.#models.loaded);
    const now = Date.now();
    const ready = [...this.#queues].filter(([, { identity }]) => (this.#failed.get(identity) ?? 0) <= now);
    const rank = ([, { identity, precision }]: (typeof ready)[number]): number =>
      (loaded.has(identity) ? 0 : 2) + (precision === 'f32' ? 0 : 1);
    ready.sort((a, b) => rank(a) - rank(b));
    for (const [consumer, queue] of ready) {
      if (loadedOnly && !loaded.has(queue.identity)) return undefined;
      // If the model fails to load, only one job loses a delivery.
      const room = loaded.has(queue.identity) ? this.#room(consumer) : 1;
      const deliveries = await pullJobs(this.#fleet, consumer, room);
      const last = deliveries.at(-1);
      if (last === undefined) continue;
      this.#waiting.set(consumer, last.waiting);
      if (this.#queues.get(consumer) === queue) {
        // Round-robin: move it behind all others.
        this.#queues.delete(consumer);
        this.#queues.set(consumer, queue);
      }
      return { queue, deliveries, inHand: new DeliveriesInHand(deliveries) };
    }
    return undefined;
  }

  /** Works until the signal fires. Overlaps scoring with pulling the next batch and sending the previous answers. */
  async #workUntil(signal: AbortSignal): Promise<void> {
    let batch: Batch | undefined;
    let handingIn = Promise.resolve();
    let idle = 0;
    while (!signal.aborted && !this.#quarantined) {
      batch ??= await this.#next(false);
      if (batch === undefined) {
        await sleep(backoffDelayMs(Math.min(++idle, 6), IDLE, Math.random), signal).catch(() => {});
        continue;
      }
      idle = 0;
      const isLoaded = this.#models.loaded.includes(batch.queue.identity);
      const work = this.#work(batch);
      // Loading takes minutes; jobs pulled in the meantime would wait while other scorers are free.
      const [scored, ahead] = await Promise.all([work, isLoaded ? this.#nextAfter(work, batch) : undefined]);
      // At most one batch of answers is in flight: if the coordinator accepts none, scoring stops.
      await handingIn;
      handingIn = scored.handedIn;
      batch = ahead;
    }
    await handingIn;
    batch?.inHand.giveBack(0);
  }

  /**
   * Pulls the next batch shortly before the current one is scored; pulling earlier would hold jobs others could score.
   */
  async #nextAfter(work: Promise<unknown>, { deliveries }: Batch): Promise<Batch | undefined> {
    const early = (deliveries.length * 1000) / Math.max(this.#speed, 1e-3) - AHEAD_MS;
    const waiting = new AbortController();
    const scored = work.then(() => waiting.abort());
    // The batch may finish sooner than estimated.
    if (early > 0) await Promise.race([scored, sleep(early, waiting.signal).catch(() => {})]);
    return this.#next(true);
  }

  /** Batch size by measured speed; smaller near the end of a queue, so that all scorers finish together. */
  #room(consumer: string): number {
    const { mostSamples, batchMs } = this.#options;
    const bySpeed = this.#speed === 0 ? 2 : Math.round((this.#speed * batchMs) / 1000);
    const share = fairShare(this.#waiting.get(consumer) ?? mostSamples);
    return Math.max(1, Math.min(mostSamples, bySpeed, share));
  }

  /** Scores a batch; `handedIn` resolves once its answers are delivered. */
  async #work({ queue, deliveries, inHand }: Batch): Promise<{ readonly handedIn: Promise<void> }> {
    const answering: Promise<void>[] = [];
    try {
      await this.#models.use(queue.model.manifest, queue.model.config, async (model) => {
        this.#failed.delete(queue.identity);
        // A redelivered sample may have crashed its last scorer: score it alone.
        const suspects = deliveries.filter((each) => each.deliveries > 1);
        const fresh = deliveries.filter((each) => each.deliveries === 1);
        for (const batch of [fresh, ...suspects.map((each) => [each])]) {
          if (batch.length > 0)
            for (const part of await this.#scoreBatch(model, queue, batch, inHand)) answering.push(part);
        }
      });
    } catch (error) {
      this.#failed.set(queue.identity, Date.now() + FAILED_MODEL_MS);
      const isWanted = this.#queues.has(consumerName(queue.identity, queue.precision));
      if (isWanted && !isAbort(error))
        this.#options.onWarning(toQuarryError(error, `loading model ${queue.identity.slice(0, 10)}`));
    }
    return { handedIn: Promise.allSettled(answering).then(() => inHand.giveBack(1_000)) };
  }

  /** Scores jobs and returns the answers in flight; if the batch fails, scores its jobs one by one. */
  async #scoreBatch(
    model: LoadedModel,
    queue: Queue,
    batch: readonly Delivery[],
    inHand: DeliveriesInHand,
  ): Promise<Promise<void>[]> {
    const jobs = inHand.read(batch);
    const [first] = jobs;
    if (first === undefined) return [];
    const samples = jobs.map(({ job }) => job.sample);
    const precision = queue.precision === 'f32' ? { precision: 'f32' as const } : {};
    const startedAt = performance.now();
    let scores: Score[];
    try {
      scores = await model.score(samples, { seed: first.job.seed, ...precision });
    } catch (error) {
      if (jobs.length === 1) {
        this.#options.onWarning(toQuarryError(error, 'scoring'));
        return [];
      }
      const parts = [];
      for (const { delivery } of jobs)
        for (const part of await this.#scoreBatch(model, queue, [delivery], inHand)) parts.push(part);
      return parts;
    }
    const speed = (jobs.length * 1000) / Math.max(0.1, performance.now() - startedAt);
    this.#speed = this.#speed === 0 ? speed : 0.7 * this.#speed + 0.3 * speed;
    return jobs.flatMap(({ delivery, job }, i) => {
      const score = scores[i];
      if (score === undefined) return [];
      const { deliveries } = delivery;
      const answer: Answer = { jobId: job.id, scorer: this.id, deliveries, score, bound: model.errorBound };
      return [this.#answer(job, answer, delivery, inHand)];
    });
  }

  async #answer(job: Job, answer: Answer, delivery: Delivery, inHand: DeliveriesInHand): Promise<void> {
    const message = { data: embeddingBytes(answer.score.embedding), headers: answerHeaders(answer) };
    const receipt = await handIn(this.#fleet, delivery, job.reply, message);
    if (receipt === undefined) return;
    inHand.done(delivery);
    if (receipt === 'taken') this.#samples++;
    if (receipt === 'quarantined') this.#quarantined = true;
  }

  async #tell(): Promise<void> {
    await this.#fleet.scorers.put(this.id, JSON.stringify(this.status)).catch(() => {});
  }
}
