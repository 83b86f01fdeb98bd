import { randomUUID } from 'node:crypto';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { childSignal } from '../net/index.js';
import { weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';
import { FleetQueues, type FleetQueuesOptions } from './fleet-queues.js';
import { JobPublisher } from './job-publisher.js';
import { JobSweep, type JobSweepOptions } from './job-sweep.js';
import { listen } from './listen.js';
import type { QueuedJob } from './queued-job.js';
import {
  type Answer,
  consumerName,
  type Delivered,
  exhaustedSeq,
  type PublishedModel,
  type Receipt,
  readAnswer,
  senderOf,
  workSubject,
} from './wire.js';
import type { ScoreOrder, WorkOrder } from './work-order.js';

export interface CoordinatorOptions extends FleetQueuesOptions, JobSweepOptions {
  /** Called with warnings for the operator: samples given up, answers refused. */
  readonly onWarning: (error: QuarryError) => void;
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

/** Bytes of a message reserved for headers. */
const HEADER_BYTES = 1024;

/** Queues samples for a fleet and accepts one answer for each, whichever scorer sends it and however often. */
export class Coordinator {
  readonly #fleet: FleetConnection;
  readonly #options: CoordinatorOptions;
  readonly #session = randomUUID();
  readonly #pending = new Map<string, QueuedJob>();
  readonly #scorers = new Set<string>();
  readonly #quarantined = new Set<string>();
  readonly #subscriptions: readonly Subscription[];
  readonly #publisher: JobPublisher;
  readonly #queues: FleetQueues;
  readonly #sweep: JobSweep;
  readonly #closed = new AbortController();
  readonly #counts = { samples: 0, redelivered: 0, duplicates: 0, refused: 0, leftOut: 0 };
  #jobs = 0;

  private constructor(fleet: FleetConnection, options: CoordinatorOptions, created: string) {
    this.#fleet = fleet;
    this.#options = options;
    const { nc, stream } = fleet;
    const replySubject = `${fleet.prefix}.answer.${this.#session}`;
    const advisories = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.*`;
    this.#subscriptions = [
      listen(nc, replySubject, (message) => this.#take(message)),
      listen(nc, advisories, (message) => this.#exhausted(message)),
    ];
    this.#publisher = new JobPublisher(fleet, replySubject);
    this.#queues = new FleetQueues(fleet, options);
    const again = (job: QueuedJob): void => this.#again(job);
    this.#sweep = new JobSweep(created, options, { fleet, queues: this.#queues, pending: this.#pending, again });
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

  /** Largest sample that fits in a message, bytes. */
  get largestSample(): number {
    return (this.#fleet.nc.info?.max_payload ?? 1 << 20) - HEADER_BYTES;
  }

  /** Announces a model to scorers and creates its queues. */
  publishModel(model: PublishedModel): Promise<void> {
    return this.#queues.publish(model);
  }

  /** Withdraws a model: scorers can unload it, and its queues are purged. */
  withdrawModel(model: PublishedModel): Promise<void> {
    return this.#queues.withdraw(model);
  }

  /** Creates the queue of samples that scorers score and keep. */
  keepRows(): Promise<void> {
    return this.#queues.keepRows();
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
          this.#publish(job, ended);
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
    this.#sweep.close();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#publisher.onIdle();
    await this.#queues.close();
  }

  #publish(job: QueuedJob, ended: AbortSignal): void {
    this.#publisher.publish(job, () => this.#pending.has(job.id), ended);
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

  #judge(message: Msg, job: QueuedJob, scorer: string): Receipt {
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
  #again(job: QueuedJob): void {
    // Already being published.
    if (job.seq === 0) return;
    job.seq = 0;
    job.heldSince = 0;
    if (job.sent >= this.#queues.maxDeliveries) this.#giveUp(job);
    else this.#publish(job, this.#closed.signal);
  }

  #giveUp(job: QueuedJob): void {
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
}
