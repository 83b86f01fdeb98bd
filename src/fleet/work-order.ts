import type { Msg } from '@nats-io/transport-node';
import type { Delivered, JobPrecision, PublishedModel } from './wire.js';

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
