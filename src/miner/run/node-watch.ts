import type { QuarryError } from '../../errors/index.js';
import { sleep } from '../../http/index.js';
import type { MinerEmitter } from './events.js';

/** What is known of the way to the network. */
export interface NodeContact {
  /** Whether checkpoints are being streamed. */
  readonly connected: boolean;
  /** The latest that was heard of. */
  readonly checkpoint: bigint | undefined;
  /** Milliseconds since it was heard of. */
  readonly checkpointAgeMs: number | undefined;
  /** How long nothing has come from any fullnode, milliseconds; `undefined` while one counts as there. */
  readonly lostMs: number | undefined;
}

/** How long nothing may come from a fullnode whose stream broke. */
const LOST_AFTER_MS = 5_000;
const LOOK_EVERY_MS = 500;

/**
 * Follows whether the network is heard, judged by its data: a stream that is opened again and again without a checkpoint
 * is as dead as one that is refused.
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

  /** What tells it. */
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

  /** The node answered with data. */
  heard(): void {
    const { lostMs } = this.contact;
    this.#connected = true;
    this.#heardAt = this.#now();
    this.#broken = undefined;
    this.#isLost = false;
    if (lostMs !== undefined) this.#emitter.emit('fullnode', { state: 'back', lostMs });
  }

  /** The stream broke, was silent for too long, or could not be opened. */
  broken(reason: QuarryError): void {
    this.#connected = false;
    this.#broken = reason;
    this.#look();
  }

  /** Tells when the node is lost, until the signal fires. */
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
