import { randomUUID } from 'node:crypto';
import type { LoadedModel, Score } from '../engine/contract.js';
import { isAbort, type QuarryError, toQuarryError } from '../errors/index.js';
import { type Backoff, backoffDelayMs, sleep } from '../http/index.js';
import { weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';
import { handIn, quarantined } from './hand-in.js';
import type { ModelShelf } from './model-shelf.js';
import { type Delivery, pullJobs } from './pull.js';
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
  readJob,
} from './wire.js';

export interface ScorerNodeOptions {
  /** For people: what this scorer is. */
  readonly label: () => string;
  /** Largest batch. */
  readonly mostSamples: number;
  /** A batch is sized to take about this long, milliseconds. */
  readonly batchMs: number;
  /** Rows that are kept beside it. Default: none. */
  readonly keptRows?: (() => number) | undefined;
  readonly onWarning: (error: QuarryError) => void;
}

/** What a scorer reports about itself. */
export interface ScorerStatus {
  readonly id: string;
  readonly label: string;
  /** Identities of the weights it has loaded. */
  readonly models: readonly string[];
  readonly samples: number;
  /** Of the last batches. */
  readonly samplesPerSecond: number;
  /** Rows that it keeps; absent where it keeps none. */
  readonly keptRows?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly seenAt: number;
}

/** Where a scorer has its models from. */
export type ScorerModels = Pick<ModelShelf, 'loaded' | 'use'>;

/** A queue that this scorer may pull from. */
interface Queue {
  readonly model: PublishedModel;
  readonly identity: string;
  readonly precision: JobPrecision;
}

/** Jobs in hand, of one queue: they stay ours while `progress` says so. */
interface Batch {
  readonly queue: Queue;
  readonly deliveries: readonly Delivery[];
  /** Those that are neither answered nor given back. */
  readonly open: Set<Delivery>;
  readonly progress: NodeJS.Timeout;
}

const STATUS_MS = 2_000;
const PROGRESS_MS = 3_000;
const IDLE: Backoff = { baseMs: 20, maxMs: 250 };
/** The next jobs are asked for so long before those in hand are scored. */
const AHEAD_MS = 250;
/** A model that cannot be had is left to others for this long. */
const FAILED_MODEL_MS = 30_000;
/** No batch takes more than this part of what waits: others may have nothing left to do. */
const SHARES = 8;

/** Pulls work of a fleet, scores it and answers. Keeps nothing: what it had in hand when it ends is done elsewhere. */
export class ScorerNode {
  readonly id = randomUUID().slice(0, 8);
  readonly #fleet: FleetConnection;
  readonly #models: ScorerModels;
  readonly #options: ScorerNodeOptions;
  readonly #queues = new Map<string, Queue>();
  /** When a model that failed may be tried again. */
  readonly #failed = new Map<string, number>();
  /** Jobs left in each queue when it was last pulled from. */
  readonly #waiting = new Map<string, number>();
  #samples = 0;
  /** Samples per second, smoothed; 0 before the first batch. */
  #speed = 0;
  #quarantined = false;
  /** When the bucket of models that is watched was made. */
  #watched: string | undefined;
  #stopWatching = async (): Promise<void> => {};

  constructor(options: ScorerNodeOptions, deps: { readonly fleet: FleetConnection; readonly models: ScorerModels }) {
    this.#options = options;
    this.#fleet = deps.fleet;
    this.#models = deps.models;
  }

  /** Models that the coordinator has scored. */
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
   * @throws QuarryError `FAILED_PRECONDITION` when the coordinator put this scorer into quarantine
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

  /** Hears of models from now on; anew where the bucket is another, as on a server that lost its disk. */
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
   * The next jobs: those that settle near-ties first, then queues of loaded models in turn. Those of other models only when
   * all these are empty.
   *
   * @param loadedOnly whether to look at queues of loaded models only
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
      // A model that fails to load costs one job one of its deliveries, not a batch of them.
      const room = loaded.has(queue.identity) ? this.#room(consumer) : 1;
      const deliveries = await pullJobs(this.#fleet, consumer, room);
      const last = deliveries.at(-1);
      if (last === undefined) continue;
      this.#waiting.set(consumer, last.waiting);
      if (this.#queues.get(consumer) === queue) {
        // Its turn comes again after that of all others.
        this.#queues.delete(consumer);
        this.#queues.set(consumer, queue);
      }
      const open = new Set(deliveries);
      const progress = setInterval(() => {
        for (const delivery of open) delivery.working();
      }, PROGRESS_MS);
      return { queue, deliveries, open, progress };
    }
    return undefined;
  }

  /** Works until the signal fires; jobs are fetched, and the last answers handed in, while others are scored. */
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
      // Loading takes minutes: what is fetched meanwhile would wait for it, and others could have it.
      const [scored, ahead] = await Promise.all([work, isLoaded ? this.#nextAfter(work, batch) : undefined]);
      // Answers of one batch may be on their way beside the next: where none are taken, no more is scored.
      await handingIn;
      handingIn = scored.handedIn;
      batch = ahead;
    }
    await handingIn;
    if (batch === undefined) return;
    clearInterval(batch.progress);
    for (const delivery of batch.open) delivery.nak(0);
  }

  /** The next jobs, shortly before a batch is scored: what is in hand earlier, another may have waited for. */
  async #nextAfter(work: Promise<unknown>, { deliveries }: Batch): Promise<Batch | undefined> {
    const early = (deliveries.length * 1000) / Math.max(this.#speed, 1e-3) - AHEAD_MS;
    const waiting = new AbortController();
    const scored = work.then(() => waiting.abort());
    // The batch may be scored sooner than its scorer's speed says.
    if (early > 0) await Promise.race([scored, sleep(early, waiting.signal).catch(() => {})]);
    return this.#next(true);
  }

  /** Samples that take about as long as a batch should, and fewer near a queue's end: all scorers shall end together. */
  #room(consumer: string): number {
    const { mostSamples, batchMs } = this.#options;
    const bySpeed = this.#speed === 0 ? 2 : Math.round((this.#speed * batchMs) / 1000);
    const share = Math.ceil((this.#waiting.get(consumer) ?? mostSamples) / SHARES);
    return Math.max(1, Math.min(mostSamples, bySpeed, share));
  }

  /** Scores a batch; its answers may be on their way still. */
  async #work({ queue, deliveries, open, progress }: Batch): Promise<{ readonly handedIn: Promise<void> }> {
    const answering: Promise<void>[] = [];
    try {
      await this.#models.use(queue.model.manifest, queue.model.config, async (model) => {
        this.#failed.delete(queue.identity);
        // What was handed out before may have ended the scorer that had it: alone, it takes no others along.
        const suspects = deliveries.filter((each) => each.deliveries > 1);
        const fresh = deliveries.filter((each) => each.deliveries === 1);
        for (const batch of [fresh, ...suspects.map((each) => [each])]) {
          if (batch.length > 0)
            for (const part of await this.#scoreBatch(model, queue, batch, open)) answering.push(part);
        }
      });
    } catch (error) {
      this.#failed.set(queue.identity, Date.now() + FAILED_MODEL_MS);
      const isWanted = this.#queues.has(consumerName(queue.identity, queue.precision));
      if (isWanted && !isAbort(error))
        this.#options.onWarning(toQuarryError(error, `loading model ${queue.identity.slice(0, 10)}`));
    }
    const end = (): void => {
      clearInterval(progress);
      for (const delivery of open) delivery.nak(1_000);
    };
    return { handedIn: Promise.allSettled(answering).then(end) };
  }

  /** Scores jobs and returns the answers under way; a batch that fails is scored one by one. */
  async #scoreBatch(
    model: LoadedModel,
    queue: Queue,
    batch: readonly Delivery[],
    open: Set<Delivery>,
  ): Promise<Promise<void>[]> {
    const jobs: { delivery: Delivery; job: Job }[] = [];
    for (const delivery of batch) {
      try {
        jobs.push({ delivery, job: readJob(delivery.message) });
      } catch {
        open.delete(delivery);
        delivery.term();
      }
    }
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
        for (const part of await this.#scoreBatch(model, queue, [delivery], open)) parts.push(part);
      return parts;
    }
    const speed = (jobs.length * 1000) / Math.max(0.1, performance.now() - startedAt);
    this.#speed = this.#speed === 0 ? speed : 0.7 * this.#speed + 0.3 * speed;
    return jobs.flatMap(({ delivery, job }, i) => {
      const score = scores[i];
      if (score === undefined) return [];
      const { deliveries } = delivery;
      const answer: Answer = { jobId: job.id, scorer: this.id, deliveries, score, bound: model.errorBound };
      return [this.#answer(job, answer, delivery, open)];
    });
  }

  async #answer(job: Job, answer: Answer, delivery: Delivery, open: Set<Delivery>): Promise<void> {
    const message = { data: embeddingBytes(answer.score.embedding), headers: answerHeaders(answer) };
    const receipt = await handIn(this.#fleet, delivery, job.reply, message);
    if (receipt === undefined) return;
    open.delete(delivery);
    if (receipt === 'taken') this.#samples++;
    if (receipt === 'quarantined') this.#quarantined = true;
  }

  async #tell(): Promise<void> {
    await this.#fleet.scorers.put(this.id, JSON.stringify(this.status)).catch(() => {});
  }
}
