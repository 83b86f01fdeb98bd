import type { FleetConnection } from './connection.js';
import type { FleetQueues } from './fleet-queues.js';
import type { QueuedJob } from './queued-job.js';

export interface JobSweepOptions {
  /** Interval at which old unanswered jobs are looked up in the queue. Default 5 s. */
  readonly sweepMs?: number | undefined;
  /**
   * A job is requeued after this long per chunk without an answer, even if its scorer reports progress. Default 10 min.
   */
  readonly mostHeldMs?: number | undefined;
  /** Called after models and jobs were restored on a server that lost its disk. */
  readonly onRestored?: (() => void) | undefined;
}

export interface JobSweepDeps {
  readonly fleet: FleetConnection;
  readonly queues: FleetQueues;
  /** Unanswered jobs by id. */
  readonly pending: ReadonlyMap<string, QueuedJob>;
  /** Requeues a job. */
  readonly again: (job: QueuedJob) => void;
}

const SWEEP_MS = 5_000;
const MOST_HELD_MS = 600_000;
const CHUNK_BYTES = 1024;
/** Jobs looked up per sweep. */
const MOST_LOOKED_FOR = 256;

/** Requeues jobs that left the queue unanswered, one by one or because the server lost its disk. */
export class JobSweep {
  readonly #options: JobSweepOptions;
  readonly #deps: JobSweepDeps;
  readonly #timer: NodeJS.Timeout;
  /** Creation time of the stream that holds our jobs. A different one means the server lost its disk. */
  #created: string;
  #sweeping = false;

  constructor(created: string, options: JobSweepOptions, deps: JobSweepDeps) {
    this.#created = created;
    this.#options = options;
    this.#deps = deps;
    this.#timer = setInterval(() => void this.#sweep(), this.#sweepMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #sweepMs(): number {
    return this.#options.sweepMs ?? SWEEP_MS;
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      const { queues, pending } = this.#deps;
      // Compare creation times: a scorer or `fleetStatus` may already have recreated the stream.
      if ((await queues.created()) !== this.#created) await this.#restore();
      const before = Date.now() - 2 * this.#sweepMs;
      const silent = [...pending.values()].filter(({ seq, sentAt }) => seq !== 0 && sentAt <= before);
      const handedOut = await this.#handedOut(new Set(silent.map(({ consumer }) => consumer)));
      for (const job of silent.slice(0, MOST_LOOKED_FOR)) await this.#find(job, handedOut.get(job.consumer) ?? 0);
    } catch {
      // Server unreachable; the next sweep tries again.
    } finally {
      this.#sweeping = false;
    }
  }

  /** Stream sequence of the last message delivered, by consumer. */
  async #handedOut(consumers: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
    const { jsm, stream } = this.#deps.fleet;
    const last = new Map<string, number>();
    for (const consumer of consumers) {
      const info = await jsm.consumers.info(stream, consumer).catch(() => undefined);
      if (info !== undefined) last.set(consumer, info.delivered.stream_seq);
    }
    return last;
  }

  async #find(job: QueuedJob, handedOut: number): Promise<void> {
    const { seq } = job;
    const { fleet, pending, again } = this.#deps;
    const { jsm, stream } = fleet;
    // `null` if it has left the stream.
    const found = await jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
    job.sentAt = Date.now();
    if (job.seq !== seq || !pending.has(job.id)) return;
    if (found === null) return again(job);
    if (seq > handedOut) return;
    if (job.heldSince === 0) job.heldSince = Date.now();
    const chunks = Math.ceil(job.sample.length / CHUNK_BYTES);
    if (Date.now() - job.heldSince < chunks * (this.#options.mostHeldMs ?? MOST_HELD_MS)) return;
    // Its scorer keeps reporting progress without finishing.
    await jsm.streams.deleteMessage(stream, seq).catch(() => {});
    again(job);
  }

  /** Recreates queues, models and jobs on a server that lost its disk. */
  async #restore(): Promise<void> {
    const { queues, pending, again } = this.#deps;
    const queued = [...pending.values()].filter(({ seq }) => seq !== 0);
    await queues.restore();
    this.#created = (await queues.created()) ?? '';
    for (const job of queued) if (pending.has(job.id)) again(job);
    this.#options.onRestored?.();
  }
}
