/** Progress of a download. */
export interface DownloadProgress {
  readonly phase: 'downloading' | 'verifying' | 'done';
  /** Bytes present, including those of an earlier run. */
  readonly received: number;
  readonly total: number | null;
  /** Average over the last five seconds. */
  readonly bytesPerSecond: number;
  readonly etaMs: number | null;
  /** Bytes left by an earlier run. */
  readonly resumedFrom: number;
  /** Number of times an expired link was renewed. */
  readonly refreshes: number;
}

const WINDOW_MS = 5000;
const LEAST_GAP_MS = 100;

/** Reports progress at most ten times per second, with the speed of the last five seconds. */
export class ProgressMeter {
  readonly #report: ((progress: DownloadProgress) => void) | undefined;
  readonly #now: () => number;
  readonly #samples: { at: number; received: number }[] = [];
  #lastReport = Number.NEGATIVE_INFINITY;
  resumedFrom = 0;
  refreshes = 0;

  constructor(report: ((progress: DownloadProgress) => void) | undefined, now: () => number) {
    this.#report = report;
    this.#now = now;
  }

  /** Records the bytes present; `force` reports regardless of the rate limit. */
  note(phase: DownloadProgress['phase'], received: number, total: number | null, force = false): void {
    if (this.#report === undefined) return;
    const at = this.#now();
    if (!force && at - this.#lastReport < LEAST_GAP_MS) return;
    this.#lastReport = at;
    const latest = this.#samples.at(-1);
    // A restart discards bytes: older samples belong to another transfer.
    if (latest !== undefined && received < latest.received) this.#samples.length = 0;
    this.#samples.push({ at, received });
    while ((this.#samples[0]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0] ?? { at, received };
    const bytesPerSecond = at > oldest.at ? ((received - oldest.received) * 1000) / (at - oldest.at) : 0;
    this.#report({
      phase,
      received,
      total,
      bytesPerSecond: Math.round(bytesPerSecond),
      etaMs: total !== null && bytesPerSecond > 0 ? Math.round(((total - received) * 1000) / bytesPerSecond) : null,
      resumedFrom: this.resumedFrom,
      refreshes: this.refreshes,
    });
  }
}
