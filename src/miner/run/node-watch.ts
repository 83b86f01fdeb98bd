import type { QuarryError } from '../../errors/index.js';
import { sleep } from '../../net/index.js';
import type { MinerEmitter } from './events.js';

/** State of the connection to the network. */
export interface NodeContact {
  /** Whether checkpoints are being streamed. */
  readonly connected: boolean;
  /** Latest checkpoint received. */
  readonly checkpoint: bigint | undefined;
  /** Milliseconds since it was received. */
  readonly checkpointAgeMs: number | undefined;
  /** Milliseconds since data last came from any fullnode; `undefined` while not considered lost. */
  readonly lostMs: number | undefined;
}

/** A broken stream counts as lost after this long without data. */
const LOST_AFTER_MS = 5_000;
const LOOK_EVERY_MS = 500;

/**
 * Tracks whether the network is reachable, judged by data: a stream that reconnects again and again without delivering
 * a checkpoint counts as lost.
 */
export class NodeWatch {
  readonly #emitter: MinerEmitter;
  readonly #now: () => number;
  #connected = false;
  #checkpoint: bigint | undefined;
  #heardAt: number;
  #broken: QuarryError | undefined;
  #isLost = false;

  /** @param now monotonic milliseconds */
  constructor(emitter: MinerEmitter, now: () => number) {
    this.#emitter = emitter;
    this.#now = now;
    this.#heardAt = now();
  }

  get contact(): NodeContact {
    const age = this.#now() - this.#heardAt;
    return {
      connected: this.#connected,
      checkpoint: this.#checkpoint,
      checkpointAgeMs: this.#checkpoint === undefined ? undefined : age,
      lostMs: this.#isLost ? age : undefined,
    };
  }

  /** Listeners for the target watcher. */
  readonly listeners = {
    onConnected: (): void => {
      this.#connected = true;
    },
    onReconnect: (reason: QuarryError): void => this.broken(reason),
    onCheckpoint: (checkpoint: bigint): void => {
      this.#checkpoint = checkpoint;
      this.heard();
    },
  };

  /** Records that the node delivered data. */
  heard(): void {
    const { lostMs } = this.contact;
    this.#connected = true;
    this.#heardAt = this.#now();
    this.#broken = undefined;
    this.#isLost = false;
    if (lostMs !== undefined) this.#emitter.emit('fullnode', { state: 'back', lostMs });
  }

  /** Records that the stream broke, stalled or could not be opened. */
  broken(reason: QuarryError): void {
    this.#connected = false;
    this.#broken = reason;
    this.#look();
  }

  /** Emits `fullnode` when the connection counts as lost, until the signal fires. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look();
      await sleep(LOOK_EVERY_MS, signal);
    }
  }

  #look(): void {
    if (this.#isLost || this.#broken === undefined || this.#now() - this.#heardAt < LOST_AFTER_MS) return;
    this.#isLost = true;
    this.#emitter.emit('fullnode', { state: 'lost', reason: this.#broken });
  }
}
