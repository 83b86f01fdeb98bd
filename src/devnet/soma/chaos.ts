import type { DownloadFault } from './http-handler.js';
import { RpcStatus } from './rpc/rpc-status.js';
import { seededRandom } from './seeded-random.js';

/** Probability of each fault, 0 to 1. */
export interface ChaosRates {
  /** A checkpoint stream ends or breaks, per message. */
  readonly droppedStream: number;
  /** A call fails with UNAVAILABLE before it has any effect. */
  readonly unavailable: number;
  /** A call takes effect but its response is lost: DEADLINE_EXCEEDED. */
  readonly lostReply: number;
  /** An execution finds its first coin locked by another transaction for `lockMs`. */
  readonly lockConflict: number;
  /** An execution is cancelled due to congestion of shared objects: charged, but without effect. */
  readonly congestion: number;
  /** A checkpoint is delayed by up to `slowCheckpointMs`. */
  readonly slowCheckpoint: number;
  /** The epoch ends while a submission is in flight. */
  readonly epochChange: number;
  /** A download has one bit flipped. */
  readonly corruptDownload: number;
  /** A download stalls half-way with the connection open. */
  readonly stalledDownload: number;
  /** A download is closed half-way. */
  readonly truncatedDownload: number;
}

/**
 * Faults to inject. Whether the n-th opportunity for a fault is taken depends only on its rate and the seed: each fault
 * has its own random sequence, so the arrival order of concurrent calls does not change which faults occur.
 */
export interface ChaosOptions {
  readonly seed?: number | undefined;
  /** Omitted rates default to {@link DEFAULT_CHAOS_RATES}. */
  readonly rates?: Partial<ChaosRates> | undefined;
  readonly lockMs?: number | 'epoch' | undefined;
  readonly slowCheckpointMs?: number | undefined;
}

/** A mix under which a robust client still makes progress. */
export const DEFAULT_CHAOS_RATES: ChaosRates = {
  droppedStream: 0.01,
  unavailable: 0.03,
  lostReply: 0.03,
  lockConflict: 0.03,
  congestion: 0.02,
  slowCheckpoint: 0.05,
  epochChange: 0.002,
  corruptDownload: 0.05,
  stalledDownload: 0.02,
  truncatedDownload: 0.05,
};

/** All faults disabled. */
export const NO_CHAOS: ChaosRates = {
  droppedStream: 0,
  unavailable: 0,
  lostReply: 0,
  lockConflict: 0,
  congestion: 0,
  slowCheckpoint: 0,
  epochChange: 0,
  corruptDownload: 0,
  stalledDownload: 0,
  truncatedDownload: 0,
};

const EXECUTE = '/soma.rpc.TransactionExecutionService/ExecuteTransaction';

/** Decides which calls, streams, checkpoints and downloads fail. */
export class Chaos {
  /** Number of injections of each fault. */
  readonly played: Record<keyof ChaosRates, number> = { ...NO_CHAOS };
  readonly lockMs: number | 'epoch';
  readonly #rates: ChaosRates;
  readonly #slowCheckpointMs: number;
  readonly #draw: Record<keyof ChaosRates, () => number>;

  /** @param options `undefined` injects nothing */
  constructor(options: ChaosOptions | undefined) {
    this.#rates = options === undefined ? NO_CHAOS : { ...DEFAULT_CHAOS_RATES, ...options.rates };
    const faults = Object.keys(NO_CHAOS) as (keyof ChaosRates)[];
    const seeds = seededRandom(options?.seed ?? 1);
    const draws = faults.map((fault) => [fault, seededRandom(seeds() * 2 ** 32)] as const);
    this.#draw = Object.fromEntries(draws) as Record<keyof ChaosRates, () => number>;
    this.lockMs = options?.lockMs ?? 500;
    this.#slowCheckpointMs = options?.slowCheckpointMs ?? 3_000;
  }

  /** Whether to inject a fault now, in which case it is counted. */
  injectFault(fault: keyof ChaosRates): boolean {
    const rate = this.#rates[fault];
    if (rate <= 0 || this.#draw[fault]() >= rate) return false;
    this.played[fault]++;
    return true;
  }

  /** Runs a unary call that may fail before it takes effect, or lose its response afterwards. */
  async around<T>(path: string, call: () => Promise<T>): Promise<T> {
    if (this.injectFault('unavailable')) throw new RpcStatus('UNAVAILABLE', 'service temporarily unavailable');
    const answer = await call();
    if (path === EXECUTE && this.injectFault('lostReply'))
      throw new RpcStatus('DEADLINE_EXCEEDED', 'deadline exceeded');
    return answer;
  }

  /** Fault of a checkpoint stream before its next message. */
  stream(): 'end' | 'fail' | undefined {
    if (!this.injectFault('droppedStream')) return undefined;
    return this.#draw.droppedStream() < 0.5 ? 'end' : 'fail';
  }

  /** Extra delay before the next checkpoint, milliseconds. */
  checkpointDelayMs(): number {
    return this.injectFault('slowCheckpoint') ? this.#draw.slowCheckpoint() * this.#slowCheckpointMs : 0;
  }

  /** Fault of a download. */
  download(): DownloadFault | undefined {
    if (this.injectFault('corruptDownload')) return 'corrupt';
    if (this.injectFault('stalledDownload')) return 'stall';
    return this.injectFault('truncatedDownload') ? 'truncate' : undefined;
  }
}
