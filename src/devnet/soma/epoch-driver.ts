import type { DevnetNode } from './node.js';

/** Timing of checkpoints and epochs. */
export interface EpochDriverOptions {
  /** Interval of checkpoints while there is something to include, milliseconds. */
  readonly checkpointIntervalMs: number;
  /** Interval of checkpoints while idle, milliseconds. */
  readonly idleCheckpointMs: number;
  /** Length of an epoch, milliseconds; `undefined` ends epochs only on request. */
  readonly epochMs: number | undefined;
}

/** Dependencies of the driver. */
export interface EpochDriverDeps {
  readonly node: DevnetNode;
  /** Called before an epoch ends, for audits that must be reported in it. */
  readonly beforeEpochEnds: () => Promise<void>;
  /** Called after an epoch began. */
  readonly afterEpochBegan: () => Promise<void>;
  /** Extra delay before the next checkpoint, milliseconds; 0 for none. */
  readonly checkpointDelayMs: () => number;
}

/** Seals checkpoints and ends epochs on a schedule. */
export class EpochDriver {
  readonly #options: EpochDriverOptions;
  readonly #deps: EpochDriverDeps;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #epochTimer: NodeJS.Timeout | undefined;
  #lastSealedAt = 0;
  #advancing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: EpochDriverOptions, deps: EpochDriverDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Starts the timers. */
  start(): void {
    this.#lastSealedAt = performance.now();
    this.#scheduleCheckpoint();
    this.#scheduleEpoch();
  }

  #scheduleCheckpoint(): void {
    if (this.#closed) return;
    const delayMs = this.#options.checkpointIntervalMs + this.#deps.checkpointDelayMs();
    this.#checkpointTimer = setTimeout(() => {
      const now = performance.now();
      if (this.#deps.node.checkpointDue || now - this.#lastSealedAt >= this.#options.idleCheckpointMs) {
        this.#deps.node.sealCheckpoint();
        this.#lastSealedAt = now;
      }
      this.#scheduleCheckpoint();
    }, delayMs);
  }

  #scheduleEpoch(): void {
    clearTimeout(this.#epochTimer);
    const { epochMs } = this.#options;
    if (this.#closed || epochMs === undefined) return;
    this.#epochTimer = setTimeout(() => void this.advance().catch(() => this.#scheduleEpoch()), epochMs);
  }

  /**
   * Ends the current epoch and waits until a checkpoint of the next one is sealed.
   *
   * @param protocolVersion of the next epoch; default the current one
   * @returns the new epoch
   */
  advance(protocolVersion?: bigint): Promise<bigint> {
    const run = this.#advancing.then(() => this.#advance(protocolVersion));
    this.#advancing = run.catch(() => {});
    return run;
  }

  async #advance(protocolVersion: bigint | undefined): Promise<bigint> {
    const { node } = this.#deps;
    await this.#deps.beforeEpochEnds();
    if (this.#closed) return node.ledger.state.epoch;
    const epoch = node.changeEpoch(protocolVersion);
    this.#scheduleEpoch();
    const begun = this.#checkpointOf(epoch);
    await this.#deps.afterEpochBegan();
    await begun;
    return epoch;
  }

  #checkpointOf(epoch: bigint): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#deps.node.checkpoints.subscribe(({ summary }) => {
        if (summary.epoch < epoch) return;
        stop();
        resolve();
      });
    });
  }

  /** Stops the timers. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#checkpointTimer);
    clearTimeout(this.#epochTimer);
  }
}
