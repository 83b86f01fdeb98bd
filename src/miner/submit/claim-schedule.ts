import type { TaskGroup } from '../run/task-group.js';
import type { Claimer } from './claimer.js';

export interface ClaimScheduleOptions {
  /** Makes {@link ClaimSchedule.start} a no-op. */
  readonly dryRun: boolean;
}

export interface ClaimScheduleDeps {
  readonly claimer: Pick<Claimer, 'claimDue'>;
  readonly epoch: () => bigint | undefined;
  readonly background: TaskGroup;
}

/** Claims what is due in the background, one round at a time. */
export class ClaimSchedule {
  readonly #options: ClaimScheduleOptions;
  readonly #deps: ClaimScheduleDeps;
  #running = false;
  /** Whether `start` was called during a round, which may have begun before the newest claims were due. */
  #again = false;
  #failed = false;

  constructor(options: ClaimScheduleOptions, deps: ClaimScheduleDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether the last round failed. */
  get missed(): boolean {
    return this.#failed;
  }

  /** Starts a round; during a round, schedules one more after it. */
  start(signal: AbortSignal): void {
    this.#again = this.#running;
    if (this.#running || this.#options.dryRun) return;
    this.#running = true;
    this.#failed = false;
    this.#deps.background.run('claiming', this.#rounds(signal));
  }

  async #rounds(signal: AbortSignal): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#round(signal);
      } while (this.#again);
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      this.#running = false;
    }
  }

  #round(signal: AbortSignal): Promise<void> {
    // Mining does not depend on the checkpoint of a claim: do not wait for it.
    return this.#deps.claimer.claimDue(this.#deps.epoch() ?? 0n, signal, false);
  }
}
