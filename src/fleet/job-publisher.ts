import PQueue from 'p-queue';
import { sleep } from '../net/index.js';
import type { FleetConnection } from './connection.js';
import type { QueuedJob } from './queued-job.js';
import { jobHeaders } from './wire.js';

/** Concurrent publishes. */
const PUBLISHING = 256;
const RETRY_MS = 500;

/** Publishes jobs, retrying for as long as the server is unreachable or full. */
export class JobPublisher {
  readonly #fleet: FleetConnection;
  readonly #reply: string;
  readonly #publishing = new PQueue({ concurrency: PUBLISHING });

  /** @param reply subject to send answers to */
  constructor(fleet: FleetConnection, reply: string) {
    this.#fleet = fleet;
    this.#reply = reply;
  }

  /**
   * Publishes a job in the background.
   *
   * @param isWanted false once the job is answered or given up
   */
  publish(job: QueuedJob, isWanted: () => boolean, ended: AbortSignal): void {
    void this.#publishing.add(() => this.#send(job, isWanted, ended));
  }

  /** Resolves when no publish is in progress. */
  onIdle(): Promise<void> {
    return this.#publishing.onIdle();
  }

  async #send(job: QueuedJob, isWanted: () => boolean, ended: AbortSignal): Promise<void> {
    const { js } = this.#fleet;
    const { subject, seed } = job;
    const msgID = `${job.id}-${job.sent++}`;
    while (!ended.aborted && isWanted()) {
      try {
        const headers = jobHeaders({ id: job.id, reply: this.#reply, seed });
        const { seq } = await js.publish(subject, job.sample, { msgID, headers });
        job.seq = seq;
        job.sentAt = Date.now();
        return;
      } catch {
        await sleep(RETRY_MS, ended).catch(() => {});
      }
    }
  }
}
