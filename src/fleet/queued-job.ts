import type { Msg } from '@nats-io/transport-node';
import type { Delivered } from './wire.js';

/** A sample that is queued, or being published, and not yet answered. */
export interface QueuedJob {
  readonly id: string;
  readonly subject: string;
  /** That scorers pull it from. */
  readonly consumer: string;
  readonly seed: bigint;
  readonly sample: Uint8Array;
  /** Decodes an answer and resolves the job; throws if the answer is invalid. */
  readonly accept: (message: Msg) => Delivered;
  readonly giveUp: () => void;
  /** Times it was published. */
  sent: number;
  /** Stream sequence; 0 while it is being published. */
  seq: number;
  sentAt: number;
  /** When a sweep first saw it delivered to a scorer; 0 before that. */
  heldSince: number;
}
