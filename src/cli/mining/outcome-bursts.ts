import type { MinerEvents } from '../../miner/index.js';

/** How one submission ended. */
export type OutcomeEvent = MinerEvents['outcome'][0];

/** Outcomes of one kind, for one reason, that came within one window; in their order. */
export interface OutcomeBurst {
  readonly outcomes: readonly [OutcomeEvent, ...OutcomeEvent[]];
  /** When the first of them came. */
  readonly at: Date;
}

/** Collects outcomes that come close together, so that a burst of hits is one line. */
export class OutcomeBursts {
  readonly #windowMs: number;
  readonly #tell: (burst: OutcomeBurst) => void;
  readonly #open = new Map<string, { outcomes: [OutcomeEvent, ...OutcomeEvent[]]; at: Date }>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param windowMs how long after its first outcome a burst is reported
   * @param tell takes the bursts of a window, in the order in which they began
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

  /** Tells what has not been told yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bursts = [...this.#open.values()];
    this.#open.clear();
    for (const burst of bursts) this.#tell(burst);
  }
}
