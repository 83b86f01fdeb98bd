/** What is known of the way to the network. */
export interface NodeContact {
  /** Whether checkpoints are being streamed. */
  readonly connected: boolean;
  /** The latest that was heard of. */
  readonly checkpoint: bigint | undefined;
  /** Milliseconds since it was heard of. */
  readonly checkpointAgeMs: number | undefined;
}

/** Follows whether the network is heard. */
export class NodeWatch {
  readonly #now: () => number;
  #connected = false;
  #checkpoint: bigint | undefined;
  #heardAt = 0;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get contact(): NodeContact {
    const age = this.#checkpoint === undefined ? undefined : this.#now() - this.#heardAt;
    return { connected: this.#connected, checkpoint: this.#checkpoint, checkpointAgeMs: age };
  }

  /** What tells it. */
  readonly listeners = {
    onConnected: (): void => {
      this.#connected = true;
    },
    onReconnect: (): void => {
      this.#connected = false;
    },
    onCheckpoint: (checkpoint: bigint): void => {
      this.#connected = true;
      this.#checkpoint = checkpoint;
      this.#heardAt = this.#now();
    },
  };
}
