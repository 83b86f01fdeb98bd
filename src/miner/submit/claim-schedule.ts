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
  /** Whether a round was asked for while one was under way, which may have begun before some of what is due was. */
  #again = false;
  #failed = false;

  constructor(options: ClaimScheduleOptions, deps: ClaimScheduleDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether claims were asked for that were not made, because the last round failed. */
  get missed(): boolean {
    return this.#failed;
  }

  /** Begins a round; another one follows that which is under way. */
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
    // Mining reads nothing that waits for a claim's checkpoint.
    return this.#deps.claimer.claimDue(this.#deps.epoch() ?? 0n, signal, false);
  }
}
