import { randomUUID } from 'node:crypto';
import { AckPolicy, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import type { Msg, Subscription } from '@nats-io/transport-node';
import PQueue from 'p-queue';
import type { Score } from '../engine/contract.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { childSignal, sleep } from '../http/index.js';
import { weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';
import {
  type Answer,
  consumerName,
  type Delivered,
  encodeModel,
  exhaustedSeq,
  JOB_PRECISIONS,
  type JobPrecision,
  jobHeaders,
  KEEP_CONSUMER,
  keepSubject,
  type PublishedModel,
  type Receipt,
  readAnswer,
  senderOf,
  workSubject,
} from './wire.js';

export interface CoordinatorOptions {
  /** A job is redelivered if its scorer reports no progress for this long. Default 15 s. */
  readonly ackWaitMs?: number | undefined;
  /** Deliveries of a job before its sample is given up. Default 5. */
  readonly maxDeliveries?: number | undefined;
  /**
   * A job is requeued after this long per chunk without an answer, even if its scorer reports progress. Default 10 min.
   */
  readonly mostHeldMs?: number | undefined;
  /** Interval at which old unanswered jobs are looked up in the queue. Default 5 s. */
  readonly sweepMs?: number | undefined;
  /** Called with warnings for the operator: samples given up, answers refused. */
  readonly onWarning: (error: QuarryError) => void;
  /** Called after models and jobs were restored on a server that lost its disk. */
  readonly onRestored?: (() => void) | undefined;
}

/** Counts since the coordinator started. */
export interface FleetStats {
  /** Scorers with at least one accepted answer. */
  readonly scorers: number;
  /** Answers accepted. */
  readonly samples: number;
  /** Accepted answers from a second or later delivery. */
  readonly redelivered: number;
  /** Answers dropped because the job was already answered. */
  readonly duplicates: number;
  /** Answers that were invalid or came from quarantined scorers. */
  readonly refused: number;
  /** Samples given up after too many deliveries. */
  readonly leftOut: number;
}

/** The queue that samples go to, and how answers are decoded. */
export interface WorkOrder<T extends Delivered> {
  readonly subject: string;
  /** JetStream consumer that scorers pull from. */
  readonly consumer: string;
  readonly seed: bigint;
  /** Decodes an answer; throws if it is invalid. */
  readonly read: (message: Msg) => T;
  readonly signal?: AbortSignal | undefined;
}

/** How to score samples under a model. */
export interface ScoreOrder {
  readonly model: PublishedModel;
  readonly precision: JobPrecision;
  readonly seed: bigint;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly id: string;
  readonly subject: string;
  readonly consumer: string;
  readonly seed: bigint;
  readonly sample: Uint8Array;
  /** Decodes an answer and resolves the job; throws if the answer is invalid. */
  readonly accept: (message: Msg) => Delivered;
  readonly giveUp: () => void;
  /** Times it was published. */
  sent: number;
  seq: number;
  sentAt: number;
  /** When a sweep first saw it delivered to a scorer; 0 before that. */
  heldSince: number;
}

/** Concurrent publishes. */
const PUBLISHING = 256;
const SWEEP_MS = 5_000;
const RETRY_MS = 500;
const MOST_HELD_MS = 600_000;
const CHUNK_BYTES = 1024;
/** Bytes of a message reserved for headers. */
const HEADER_BYTES = 1024;

/** Queues samples for a fleet and accepts one answer for each, whichever scorer sends it and however often. */
export class Coordinator {
  readonly #fleet: FleetConnection;
  readonly #options: CoordinatorOptions;
  readonly #session = randomUUID();
  readonly #pending = new Map<string, Pending>();
  readonly #publishing = new PQueue({ concurrency: PUBLISHING });
  readonly #scorers = new Set<string>();
  readonly #quarantined = new Set<string>();
  readonly #subscriptions: Subscription[] = [];
  /** Published models by weights identity. */
  readonly #models = new Map<string, PublishedModel>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #closed = new AbortController();
  readonly #counts = { samples: 0, redelivered: 0, duplicates: 0, refused: 0, leftOut: 0 };
  #jobs = 0;
  #sweeping = false;
  #keepsRows = false;
  /** Creation time of the stream that holds our jobs. A different one means the server lost its disk. */
  #created: string;

  private constructor(fleet: FleetConnection, options: CoordinatorOptions, created: string) {
    this.#fleet = fleet;
    this.#created = created;
    this.#options = options;
    const { nc, stream } = fleet;
    const listen = (subject: string, hear: (message: Msg) => void): void => {
      const callback = (error: Error | null, message: Msg): void => {
        if (error === null) hear(message);
      };
      this.#subscriptions.push(nc.subscribe(subject, { callback }));
    };
    listen(this.#replySubject, (message) => this.#take(message));
    listen(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.*`, (message) => this.#exhausted(message));
    this.#sweeper = setInterval(() => void this.#sweep(), options.sweepMs ?? SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Takes over the fleet. Purges jobs of an earlier coordinator; their samples are still in the store. */
  static async open(fleet: FleetConnection, options: CoordinatorOptions): Promise<Coordinator> {
    await fleet.jsm.streams.purge(fleet.stream);
    const { created } = await fleet.jsm.streams.info(fleet.stream);
    return new Coordinator(fleet, options, created);
  }

  get stats(): FleetStats {
    return { scorers: this.#scorers.size, ...this.#counts };
  }

  get #replySubject(): string {
    return `${this.#fleet.prefix}.answer.${this.#session}`;
  }

  /** Largest sample that fits in a message, bytes. */
  get largestSample(): number {
    return (this.#fleet.nc.info?.max_payload ?? 1 << 20) - HEADER_BYTES;
  }

  /** Announces a model to scorers and creates its queues. */
  async publishModel(model: PublishedModel): Promise<void> {
    this.#models.set(weightsIdentity(model.manifest), model);
    await this.#announce(model);
  }

  async #announce(model: PublishedModel): Promise<void> {
    const { prefix, models } = this.#fleet;
    const identity = weightsIdentity(model.manifest);
    for (const precision of JOB_PRECISIONS) {
      await this.#addConsumer(consumerName(identity, precision), workSubject(prefix, identity, precision));
    }
    await models.put(identity, encodeModel(model));
    // Withdrawn in the meantime: the server may have applied the delete before our put.
    if (!this.#models.has(identity)) await models.delete(identity);
  }

  /** Creates the queue of samples that scorers score and keep. */
  async keepRows(): Promise<void> {
    this.#keepsRows = true;
    await this.#addConsumer(KEEP_CONSUMER, keepSubject(this.#fleet.prefix));
  }

  async #addConsumer(name: string, subject: string): Promise<void> {
    const { jsm, stream } = this.#fleet;
    await jsm.consumers.add(stream, {
      durable_name: name,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: (this.#options.ackWaitMs ?? 15_000) * 1e6,
      max_deliver: this.#options.maxDeliveries ?? 5,
      max_ack_pending: 100_000,
    });
  }

  /** Withdraws a model: scorers can unload it, and its queues are purged. */
  async withdrawModel(model: PublishedModel): Promise<void> {
    const { jsm, stream, prefix, models } = this.#fleet;
    const identity = weightsIdentity(model.manifest);
    this.#models.delete(identity);
    await models.delete(identity);
    for (const precision of JOB_PRECISIONS) {
      await jsm.consumers.delete(stream, consumerName(identity, precision));
      await jsm.streams.purge(stream, { filter: workSubject(prefix, identity, precision) });
    }
  }

  isQuarantined(scorer: string): boolean {
    return this.#quarantined.has(scorer);
  }

  /** Refuses all further answers of a scorer. */
  quarantine(scorer: string): void {
    this.#quarantined.add(scorer);
  }

  /**
   * Scores samples on the fleet. Answers are in the order of `samples`; `undefined` for a sample that was given up.
   *
   * @throws QuarryError `ABORTED` when the signal fires or the coordinator closes
   */
  score(order: ScoreOrder, samples: readonly Uint8Array[]): Promise<(Answer | undefined)[]> {
    const { model, precision, seed, signal } = order;
    const identity = weightsIdentity(model.manifest);
    const subject = workSubject(this.#fleet.prefix, identity, precision);
    const consumer = consumerName(identity, precision);
    const read = (message: Msg): Answer => readAnswer(message, model.config.embeddingDim);
    return this.queue({ subject, consumer, seed, read, signal }, samples);
  }

  /** Like {@link score}, for any kind of per-sample job. */
  async queue<T extends Delivered>(order: WorkOrder<T>, samples: readonly Uint8Array[]): Promise<(T | undefined)[]> {
    const { subject, consumer, seed } = order;
    const link = childSignal(this.#closed.signal, order.signal);
    const ended = link.signal;
    const ids: string[] = [];
    let stop = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(new QuarryError('ABORTED', 'scoring was stopped'));
    });
    aborted.catch(() => {});
    if (ended.aborted) stop();
    ended.addEventListener('abort', stop, { once: true });
    try {
      const answers = samples.map((sample) => {
        const id = `${this.#session}-${this.#jobs++}`;
        ids.push(id);
        return new Promise<T | undefined>((settle) => {
          const accept = (message: Msg): T => {
            const answer = order.read(message);
            settle(answer);
            return answer;
          };
          const giveUp = (): void => settle(undefined);
          const unsent = { sent: 0, seq: 0, sentAt: Date.now(), heldSince: 0 };
          const job = { id, subject, consumer, seed, sample, accept, giveUp, ...unsent };
          this.#pending.set(id, job);
          void this.#publishing.add(() => this.#send(job, ended));
        });
      });
      return await Promise.race([Promise.all(answers), aborted]);
    } finally {
      ended.removeEventListener('abort', stop);
      link.close();
      for (const id of ids) this.#pending.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    clearInterval(this.#sweeper);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#publishing.onIdle();
    if (!this.#keepsRows) return;
    // The next coordinator queues these samples again; without one, scoring them is wasted.
    const { jsm, stream, prefix } = this.#fleet;
    await jsm.streams.purge(stream, { filter: keepSubject(prefix) }).catch(() => {});
  }

  /** Publishes a job, retrying for as long as the server is unreachable. */
  async #send(job: Pending, ended: AbortSignal): Promise<void> {
    const { js } = this.#fleet;
    const { subject, seed } = job;
    const msgID = `${job.id}-${job.sent++}`;
    while (!ended.aborted && this.#pending.has(job.id)) {
      try {
        const headers = jobHeaders({ id: job.id, reply: this.#replySubject, seed });
        const { seq } = await js.publish(subject, job.sample, { msgID, headers });
        job.seq = seq;
        job.sentAt = Date.now();
        return;
      } catch {
        await sleep(RETRY_MS, ended).catch(() => {});
      }
    }
  }

  #take(message: Msg): void {
    let receipt: Receipt = 'refused';
    try {
      const { jobId, scorer } = senderOf(message);
      const job = this.#pending.get(jobId);
      if (this.#quarantined.has(scorer)) {
        receipt = 'quarantined';
        this.#counts.refused++;
        if (job !== undefined) this.#again(job);
      } else if (job === undefined) {
        receipt = 'taken';
        this.#counts.duplicates++;
      } else {
        receipt = this.#judge(message, job, scorer);
      }
    } catch {
      this.#counts.refused++;
    }
    message.respond(receipt);
  }

  #judge(message: Msg, job: Pending, scorer: string): Receipt {
    try {
      const { deliveries } = job.accept(message);
      this.#pending.delete(job.id);
      this.#scorers.add(scorer);
      this.#counts.samples++;
      if (deliveries > 1) this.#counts.redelivered++;
      return 'taken';
    } catch (error) {
      const failure = toQuarryError(error, 'reading an answer');
      this.#counts.refused++;
      this.#warn(new QuarryError(failure.code, `scorer ${scorer} sent an invalid answer: ${failure.message}`));
      this.#again(job);
      return 'refused';
    }
  }

  /** Requeues a job: its scorer gave no usable answer and may already have acknowledged the message. */
  #again(job: Pending): void {
    // Already being published.
    if (job.seq === 0) return;
    job.seq = 0;
    job.heldSince = 0;
    if (job.sent >= (this.#options.maxDeliveries ?? 5)) this.#giveUp(job);
    else void this.#publishing.add(() => this.#send(job, this.#closed.signal));
  }

  #giveUp(job: Pending): void {
    this.#pending.delete(job.id);
    this.#counts.leftOut++;
    const { sample } = job;
    this.#warn(
      new QuarryError('ENGINE_FAILED', `a sample of ${sample.length} bytes is skipped: no scorer could score it`, {
        retryable: false,
      }),
    );
    job.giveUp();
  }

  /** An exception thrown in a NATS callback would end the subscription. */
  #warn(error: QuarryError): void {
    try {
      this.#options.onWarning(error);
    } catch {
      // A lost warning must not stop the work.
    }
  }

  /** Handles the server's advisory that a message reached its maximum deliveries. */
  #exhausted(message: Msg): void {
    const seq = exhaustedSeq(message);
    if (seq === undefined) return;
    for (const job of this.#pending.values()) if (job.seq === seq) this.#giveUp(job);
    this.#fleet.jsm.streams.deleteMessage(this.#fleet.stream, seq).catch(() => {});
  }

  /** Requeues jobs that left the queue unanswered, one by one or because the server lost its disk. */
  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      // Compare creation times: a scorer or `fleetStatus` may already have recreated the stream.
      if ((await this.#queueCreated()) !== this.#created) await this.#restore();
      const before = Date.now() - 2 * (this.#options.sweepMs ?? SWEEP_MS);
      const silent = [...this.#pending.values()].filter(({ seq, sentAt }) => seq !== 0 && sentAt <= before);
      const handedOut = await this.#handedOut(new Set(silent.map(({ consumer }) => consumer)));
      for (const job of silent.slice(0, PUBLISHING)) await this.#find(job, handedOut.get(job.consumer) ?? 0);
    } catch {
      // Server unreachable; the next sweep tries again.
    } finally {
      this.#sweeping = false;
    }
  }

  async #queueCreated(): Promise<string | undefined> {
    const { jsm, stream } = this.#fleet;
    try {
      return (await jsm.streams.info(stream)).created;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
      throw error;
    }
  }

  /** Stream sequence of the last message delivered, by consumer. */
  async #handedOut(consumers: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
    const { jsm, stream } = this.#fleet;
    const last = new Map<string, number>();
    for (const consumer of consumers) {
      const info = await jsm.consumers.info(stream, consumer).catch(() => undefined);
      if (info !== undefined) last.set(consumer, info.delivered.stream_seq);
    }
    return last;
  }

  async #find(job: Pending, handedOut: number): Promise<void> {
    const { seq } = job;
    const { jsm, stream } = this.#fleet;
    const found = await jsm.streams.getMessage(stream, { seq }).catch((error) => {
      return /no message found/i.test(String(error)) ? null : undefined;
    });
    job.sentAt = Date.now();
    if (job.seq !== seq || !this.#pending.has(job.id)) return;
    if (found === null) return this.#again(job);
    if (seq > handedOut) return;
    if (job.heldSince === 0) job.heldSince = Date.now();
    const chunks = Math.ceil(job.sample.length / CHUNK_BYTES);
    if (Date.now() - job.heldSince < chunks * (this.#options.mostHeldMs ?? MOST_HELD_MS)) return;
    // Its scorer keeps reporting progress without finishing.
    await jsm.streams.deleteMessage(stream, seq).catch(() => {});
    this.#again(job);
  }

  /** Recreates queues, models and jobs on a server that lost its disk. */
  async #restore(): Promise<void> {
    const queued = [...this.#pending.values()].filter(({ seq }) => seq !== 0);
    await this.#fleet.restore();
    if (this.#keepsRows) await this.keepRows();
    for (const model of [...this.#models.values()]) await this.#announce(model);
    this.#created = (await this.#queueCreated()) ?? '';
    for (const job of queued) if (this.#pending.has(job.id)) this.#again(job);
    this.#options.onRestored?.();
  }
}

/** The score of a sample that could not be scored: its NaN loss never wins a target. */
export function neverWins(embeddingDim: number): Score {
  return { loss: Number.NaN, embedding: new Float32Array(embeddingDim), precision: 'f32' };
}
