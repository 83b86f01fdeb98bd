import { Piscina } from 'piscina';
import { toQuarryError } from '../../errors/index.js';
import type { History, HistoryBy, VitalsHistory } from '../../telemetry/api/api-types.js';
import { workerFile } from '../../threads/worker-file.js';
import { type Costed, CostLimit } from './cost-limit.js';
import type { PastSubmission } from './journal-history.js';
import type { StateAnswers, StateTask } from './state-task.js';

/** How long a thread without work is kept. */
const IDLE_MS = 30_000;
const HOUR_MS = 3_600_000;

/**
 * Reads a state directory in a thread of its own, also beside the miner that writes it: the thread that races for targets
 * never waits for it. Answers are kept for a while, so that no number of readers makes this cost more than a hundredth
 * of a core.
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

  /** What the submissions of the latest `limit` hours, days or epochs with any came to. */
  history(by: HistoryBy, limit: number): Promise<History> {
    return this.#limit.run(`history ${by} ${limit}`, () => this.#ask({ kind: 'history', dir: this.#dir, by, limit }));
  }

  /** The latest submissions, newest first. */
  submissions(limit: number): Promise<readonly PastSubmission[]> {
    return this.#limit.run(`submissions ${limit}`, () => this.#ask({ kind: 'submissions', dir: this.#dir, limit }));
  }

  /** Whether something was submitted for this target. */
  has(targetId: string): Promise<boolean> {
    return this.#limit.run(`has ${targetId}`, () => this.#ask({ kind: 'has', dir: this.#dir, targetId }));
  }

  /** How things stood over the latest `hours`. */
  vitals(hours: number): Promise<VitalsHistory> {
    const sinceMs = (): number => Date.now() - hours * HOUR_MS;
    return this.#limit.run(`vitals ${hours}`, () => this.#ask({ kind: 'vitals', dir: this.#dir, sinceMs: sinceMs() }));
  }

  /** Ends the thread that reads. */
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
