import type { MinerEvents } from '../../miner/index.js';

/** Outcome of one submission. */
export type OutcomeEvent = MinerEvents['outcome'][0];

/** Outcomes of one kind and reason within one window, in order. */
export interface OutcomeBurst {
  readonly outcomes: readonly [OutcomeEvent, ...OutcomeEvent[]];
  /** When the first of them occurred. */
  readonly at: Date;
}

/** Collects outcomes that occur close together, so that a burst of hits takes one line. */
export class OutcomeBursts {
  readonly #windowMs: number;
  readonly #tell: (burst: OutcomeBurst) => void;
  readonly #open = new Map<string, { outcomes: [OutcomeEvent, ...OutcomeEvent[]]; at: Date }>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param windowMs delay after a burst's first outcome before it is reported
   * @param tell called with the bursts of a window, in the order they began
   */
  constructor(windowMs: number, tell: (burst: OutcomeBurst) => void) {
    this.#windowMs = windowMs;
    this.#tell = tell;
  }

  add(event: OutcomeEvent): void {
    const { outcome } = event;
    const key = `${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`;
    const burst = this.#open.get(key);
    if (burst === undefined) this.#open.set(key, { outcomes: [event], at: new Date() });
    else burst.outcomes.push(event);
    this.#timer ??= setTimeout(() => this.flush(), this.#windowMs).unref();
  }

  /** Reports pending outcomes. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bursts = [...this.#open.values()];
    this.#open.clear();
    for (const burst of bursts) this.#tell(burst);
  }
}
