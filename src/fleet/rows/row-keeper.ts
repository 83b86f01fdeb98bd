import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { type Backoff, backoffDelayMs, sleep } from '../../net/index.js';
import type { Store } from '../../store/index.js';
import type { FleetConnection } from '../connection.js';
import { DeliveriesInHand, type JobInHand } from '../deliveries-in-hand.js';
import { handIn, quarantined } from '../hand-in.js';
import { type Delivery, fairShare, pullJobs } from '../pull.js';
import { KEEP_CONSUMER, keptHeaders } from '../wire.js';
import type { KeptRows } from './kept-rows.js';
import { RowAnswers } from './row-answers.js';

export interface RowKeeperOptions {
  /** Id of the scorer whose rows these are. */
  readonly scorer: string;
  /** Largest batch. */
  readonly mostSamples: number;
  /** Batches are sized to take about this long to score, milliseconds. */
  readonly batchMs: number;
  /** Pause after a failed write, milliseconds. Default 30 s. */
  readonly pauseMs?: number | undefined;
  readonly onWarning: (error: QuarryError) => void;
}

export interface RowKeeperDeps {
  readonly fleet: FleetConnection;
  readonly rows: KeptRows;
}

/** A delivered sample, appended to the store. */
interface Taken extends JobInHand {
  readonly sampleId: number;
}

const IDLE: Backoff = { baseMs: 20, maxMs: 500 };
const PAUSE_MS = 30_000;

/** Pulls samples to keep, scores them under all models and answers scans of the kept rows. */
export class RowKeeper {
  readonly #options: RowKeeperOptions;
  readonly #deps: RowKeeperDeps;
  #room = 2;
  #waiting = Number.POSITIVE_INFINITY;
  #quarantined = false;
  /** End of the pause after a failed write; undefined if the last one succeeded. */
  #pausedUntil: number | undefined;

  constructor(options: RowKeeperOptions, deps: RowKeeperDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Keeps rows until the signal fires.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when the coordinator has quarantined this scorer
   */
  async run(signal: AbortSignal): Promise<void> {
    const { scorer, onWarning } = this.#options;
    const answers = new RowAnswers({ scorer, onWarning }, this.#deps);
    try {
      let idle = 0;
      while (!signal.aborted && !this.#quarantined) {
        if (await this.#round(signal)) idle = 0;
        else await sleep(backoffDelayMs(Math.min(++idle, 6), IDLE, Math.random), signal).catch(() => {});
      }
    } finally {
      await answers.close();
      await this.#deps.rows.close();
    }
    if (this.#quarantined) throw quarantined();
  }

  /** @returns whether there was anything to do */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { fleet, rows } = this.#deps;
    if (performance.now() < (this.#pausedUntil ?? 0)) return false;
    try {
      // Checked before pulling, as a sample pulled and then not stored would lose one of its deliveries.
      if (this.#pausedUntil !== undefined) await rows.mend();
      this.#pausedUntil = undefined;
      const store = await rows.store();
      if (store === undefined || rows.models.length === 0) return false;
      await rows.dropReplaced(store);
      // A row is useful only once every model of a target has scored it, so finish kept samples before pulling new
      // ones.
      if ((await rows.scoreWaiting(store, this.#room, signal)) > 0) return true;
      const deliveries = await pullJobs(
        fleet,
        KEEP_CONSUMER,
        Math.max(1, Math.min(this.#room, fairShare(this.#waiting))),
      );
      const last = deliveries.at(-1);
      if (last === undefined) return false;
      this.#waiting = last.waiting;
      await this.#keep(store, deliveries, signal);
      return true;
    } catch (error) {
      const { pauseMs = PAUSE_MS, onWarning } = this.#options;
      if (!signal.aborted) onWarning(toQuarryError(error, 'keeping rows'));
      this.#pausedUntil = performance.now() + pauseMs;
      return false;
    }
  }

  async #keep(store: Store, deliveries: readonly Delivery[], signal: AbortSignal): Promise<void> {
    const { rows } = this.#deps;
    const inHand = new DeliveriesInHand(deliveries);
    try {
      const taken = await takeIn(store, inHand.read(deliveries));
      const startedAt = performance.now();
      while ((await rows.scoreWaiting(store, this.#options.mostSamples, signal)) > 0);
      this.#learn(taken.length, performance.now() - startedAt);
      // Models that failed are no longer in `rows.models`; if all failed, give the samples back.
      const isScored = rows.models.length > 0;
      await Promise.all(
        taken
          .filter(({ sampleId }) => isScored && rows.isComplete(store, sampleId))
          .map((each) => this.#answer(each, inHand)),
      );
    } finally {
      inHand.giveBack(1_000);
    }
  }

  #learn(samples: number, ms: number): void {
    const { mostSamples, batchMs } = this.#options;
    const fits = Math.round((samples * batchMs) / Math.max(1, ms));
    this.#room = Math.max(1, Math.min(mostSamples, 2 * this.#room, fits));
  }

  async #answer({ delivery, job }: Taken, inHand: DeliveriesInHand): Promise<void> {
    const { scorer } = this.#options;
    const headers = keptHeaders({ jobId: job.id, scorer, deliveries: delivery.deliveries });
    const receipt = await handIn(this.#deps.fleet, delivery, job.reply, { data: new Uint8Array(), headers });
    if (receipt === undefined) return;
    inHand.done(delivery);
    if (receipt === 'quarantined') this.#quarantined = true;
  }
}

async function takeIn(store: Store, jobs: readonly JobInHand[]): Promise<Taken[]> {
  const appended = await store.appendSamples(jobs.map(({ job }) => ({ bytes: job.sample })));
  return jobs.flatMap((each, i) => {
    const sampleId = appended[i]?.id;
    return sampleId === undefined ? [] : [{ ...each, sampleId }];
  });
}
