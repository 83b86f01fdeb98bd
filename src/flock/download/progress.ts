/** Where a download stands. */
export interface DownloadProgress {
  readonly phase: 'downloading' | 'verifying' | 'done';
  /** Bytes present, those of an earlier run included. */
  readonly received: number;
  readonly total: number | null;
  /** Over the last five seconds. */
  readonly bytesPerSecond: number;
  readonly etaMs: number | null;
  /** Bytes an earlier run had left. */
  readonly resumedFrom: number;
  /** How often a new link was fetched because the old one had ended. */
  readonly refreshes: number;
}

const WINDOW_MS = 5000;
const LEAST_GAP_MS = 100;

/** Reports progress at most ten times per second with the speed of the last five seconds. */
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

  /** Notes the bytes present; `force` reports whatever the time. */
  note(phase: DownloadProgress['phase'], received: number, total: number | null, force = false): void {
    if (this.#report === undefined) return;
    const at = this.#now();
    if (!force && at - this.#lastReport < LEAST_GAP_MS) return;
    this.#lastReport = at;
    const latest = this.#samples.at(-1);
    // A restart takes bytes away: the old samples describe another transfer.
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
