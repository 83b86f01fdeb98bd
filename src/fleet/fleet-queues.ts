import { AckPolicy, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { weightsIdentity } from '../weights/manifest.js';
import type { FleetConnection } from './connection.js';
import {
  consumerName,
  encodeModel,
  JOB_PRECISIONS,
  KEEP_CONSUMER,
  keepSubject,
  type PublishedModel,
  workSubject,
} from './wire.js';

export interface FleetQueuesOptions {
  /** A job is redelivered if its scorer reports no progress for this long. Default 15 s. */
  readonly ackWaitMs?: number | undefined;
  /** Deliveries of a job before its sample is given up. Default 5. */
  readonly maxDeliveries?: number | undefined;
}

const ACK_WAIT_MS = 15_000;
const MAX_DELIVERIES = 5;

/** Published models and the JetStream consumers of their jobs. */
export class FleetQueues {
  readonly #fleet: FleetConnection;
  readonly #options: FleetQueuesOptions;
  /** By weights identity. */
  readonly #models = new Map<string, PublishedModel>();
  #keepsRows = false;

  constructor(fleet: FleetConnection, options: FleetQueuesOptions) {
    this.#fleet = fleet;
    this.#options = options;
  }

  /** Deliveries of a job before its sample is given up. */
  get maxDeliveries(): number {
    return this.#options.maxDeliveries ?? MAX_DELIVERIES;
  }

  /** Announces a model to scorers and creates its queues. */
  async publish(model: PublishedModel): Promise<void> {
    this.#models.set(weightsIdentity(model.manifest), model);
    await this.#announce(model);
  }

  /** Withdraws a model: scorers can unload it, and its queues are purged. */
  async withdraw(model: PublishedModel): Promise<void> {
    const { jsm, stream, prefix, models } = this.#fleet;
    const identity = weightsIdentity(model.manifest);
    this.#models.delete(identity);
    await models.delete(identity);
    for (const precision of JOB_PRECISIONS) {
      await jsm.consumers.delete(stream, consumerName(identity, precision));
      await jsm.streams.purge(stream, { filter: workSubject(prefix, identity, precision) });
    }
  }

  /** Creates the queue of samples that scorers score and keep. */
  async keepRows(): Promise<void> {
    this.#keepsRows = true;
    await this.#addConsumer(KEEP_CONSUMER, keepSubject(this.#fleet.prefix));
  }

  /** Purges the queue of samples to keep: the next coordinator queues them again; without one, scoring them is wasted. */
  async close(): Promise<void> {
    if (!this.#keepsRows) return;
    const { jsm, stream, prefix } = this.#fleet;
    await jsm.streams.purge(stream, { filter: keepSubject(prefix) }).catch(() => {});
  }

  /** Recreates everything after the server lost its disk. */
  async restore(): Promise<void> {
    await this.#fleet.restore();
    if (this.#keepsRows) await this.keepRows();
    for (const model of [...this.#models.values()]) await this.#announce(model);
  }

  /** Creation time of the stream; undefined if it does not exist. */
  async created(): Promise<string | undefined> {
    const { jsm, stream } = this.#fleet;
    try {
      return (await jsm.streams.info(stream)).created;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
      throw error;
    }
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

  async #addConsumer(name: string, subject: string): Promise<void> {
    const { jsm, stream } = this.#fleet;
    await jsm.consumers.add(stream, {
      durable_name: name,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: (this.#options.ackWaitMs ?? ACK_WAIT_MS) * 1e6,
      max_deliver: this.maxDeliveries,
      max_ack_pending: 100_000,
    });
  }
}
