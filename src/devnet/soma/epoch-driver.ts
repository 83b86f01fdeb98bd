import type { DevnetNode } from './node.js';

/** When checkpoints and epochs happen. */
export interface EpochDriverOptions {
  /** Between checkpoints that have something to tell, in milliseconds. */
  readonly checkpointIntervalMs: number;
  /** Between checkpoints when nothing happens, in milliseconds. */
  readonly idleCheckpointMs: number;
  /** Length of an epoch in milliseconds; `undefined` ends epochs only on request. */
  readonly epochMs: number | undefined;
}

/** What the driver needs. */
export interface EpochDriverDeps {
  readonly node: DevnetNode;
  /** Run before an epoch ends: audits that must be reported in it. */
  readonly beforeEpochEnds: () => Promise<void>;
  /** Run after an epoch began. */
  readonly afterEpochBegan: () => Promise<void>;
  /** Extra time before the next checkpoint, in milliseconds; 0 for none. */
  readonly checkpointDelayMs: () => number;
}

/** Seals checkpoints and ends epochs by the clock. */
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

  /** Starts both clocks. */
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

  /** Stops both clocks. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#checkpointTimer);
    clearTimeout(this.#epochTimer);
  }
}
