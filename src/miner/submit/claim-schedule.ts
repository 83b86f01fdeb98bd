import type { TaskGroup } from '../run/task-group.js';
import type { Claimer } from './claimer.js';

export interface ClaimScheduleOptions {
  /** Claims nothing. */
  readonly dryRun: boolean;
}

export interface ClaimScheduleDeps {
  readonly claimer: Pick<Claimer, 'claimDue'>;
  readonly epoch: () => bigint | undefined;
  readonly background: TaskGroup;
}

/** Claims what is due beside mining, one round at a time. */
export class ClaimSchedule {
  readonly #options: ClaimScheduleOptions;
  readonly #deps: ClaimScheduleDeps;
  #running = false;
  #missed = false;

  constructor(options: ClaimScheduleOptions, deps: ClaimScheduleDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether claims were asked for that were not made: another round was under way, or the last one failed. */
  get missed(): boolean {
    return this.#missed;
  }

  /** Begins a round unless one is under way. */
  start(signal: AbortSignal): void {
    this.#missed = this.#running;
    if (this.#running || this.#options.dryRun) return;
    this.#running = true;
    this.#deps.background.run('claiming', this.#round(signal));
  }

  async #round(signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.claimer.claimDue(this.#deps.epoch() ?? 0n, signal);
    } catch (error) {
      this.#missed = true;
      throw error;
    } finally {
      this.#running = false;
    }
  }
}
