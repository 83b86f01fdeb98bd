import type { Delivery } from './pull.js';
import { type Job, readJob } from './wire.js';

/** Interval of progress reports; the queue redelivers a job without any for 15 s by default. */
const PROGRESS_MS = 3_000;

/** A delivered job, decoded. */
export interface JobInHand {
  readonly delivery: Delivery;
  readonly job: Job;
}

/** Deliveries that are ours until they are done or given back: reports progress on all of them meanwhile. */
export class DeliveriesInHand {
  readonly #open: Set<Delivery>;
  readonly #progress: NodeJS.Timeout;

  constructor(deliveries: Iterable<Delivery>) {
    this.#open = new Set(deliveries);
    this.#progress = setInterval(() => {
      for (const delivery of this.#open) delivery.working();
    }, PROGRESS_MS);
  }

  /** Decodes deliveries, and removes those without a job to score from the queue. */
  read(deliveries: readonly Delivery[]): JobInHand[] {
    return deliveries.flatMap((delivery) => {
      try {
        const job = readJob(delivery.message);
        if (job.sample.length > 0) return [{ delivery, job }];
      } catch {
        // Malformed: ended below.
      }
      this.done(delivery);
      delivery.term();
      return [];
    });
  }

  /** Counts a delivery as done: its answer is handed in. */
  done(delivery: Delivery): void {
    this.#open.delete(delivery);
  }

  /** Gives back what is not done, to be redelivered after the delay, and ends the reports. */
  giveBack(delayMs: number): void {
    clearInterval(this.#progress);
    for (const delivery of this.#open) delivery.nak(delayMs);
    this.#open.clear();
  }
}
