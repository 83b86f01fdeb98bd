import { Piscina } from 'piscina';
import { toQuarryError } from '../../errors/index.js';
import type { History, HistoryBy, VitalsHistory } from '../../telemetry/api/api-types.js';
import { workerFile } from '../../threads/worker-file.js';
import { type Costed, CostLimit } from './cost-limit.js';
import type { PastSubmission } from './journal-history.js';
import type { StateAnswers, StateTask } from './state-task.js';

/** How long an idle thread is kept, milliseconds. */
const IDLE_MS = 30_000;
const HOUR_MS = 3_600_000;

/**
 * Reads a state directory in a worker thread, also while a miner writes it, so that the racing thread never waits.
 * Caches answers so that reading costs at most 1 % of a core, however many clients ask.
 */
export class StateReader {
  readonly #dir: string;
  readonly #pool: Piscina;
  readonly #limit = new CostLimit(() => performance.now());

  constructor(stateDir: string) {
    this.#dir = stateDir;
    this.#pool = new Piscina({
      filename: workerFile('state'),
      name: 'read',
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      atomics: 'disabled',
    });
  }

  /** Outcomes over the latest `limit` hours, days or epochs that have submissions. */
  history(by: HistoryBy, limit: number): Promise<History> {
    return this.#limit.run(`history ${by} ${limit}`, () => this.#ask({ kind: 'history', dir: this.#dir, by, limit }));
  }

  /** The latest submissions, newest first. */
  submissions(limit: number): Promise<readonly PastSubmission[]> {
    return this.#limit.run(`submissions ${limit}`, () => this.#ask({ kind: 'submissions', dir: this.#dir, limit }));
  }

  /** Whether there is a submission for this target. */
  has(targetId: string): Promise<boolean> {
    return this.#limit.run(`has ${targetId}`, () => this.#ask({ kind: 'has', dir: this.#dir, targetId }));
  }

  /** Vitals over the last `hours`. */
  vitals(hours: number): Promise<VitalsHistory> {
    const sinceMs = (): number => Date.now() - hours * HOUR_MS;
    return this.#limit.run(`vitals ${hours}`, () => this.#ask({ kind: 'vitals', dir: this.#dir, sinceMs: sinceMs() }));
  }

  /** Ends the worker thread. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #ask<Kind extends StateTask['kind']>(
    task: StateTask & { readonly kind: Kind },
  ): Promise<Costed<StateAnswers[Kind]>> {
    try {
      return (await this.#pool.run(task)) as Costed<StateAnswers[Kind]>;
    } catch (error) {
      throw toQuarryError(error, 'reading the journal');
    }
  }
}
