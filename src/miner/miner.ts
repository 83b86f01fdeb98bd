import { EventEmitter, setMaxListeners } from 'node:events';
import { isAbort, type QuarryError } from '../errors/index.js';
import type { MinerDeps, MinerOptions } from './miner-options.js';
import { createMinerParts, type MinerParts } from './miner-parts.js';
import { endRun } from './run/end-run.js';
import type { MinerEmitter, MinerEvents } from './run/events.js';
import type { NodeContact } from './run/node-watch.js';
import { startRun } from './run/start-run.js';
import type { MinerSummary } from './run/stats.js';
import { supervise } from './run/supervise.js';
import type { ModelStatus } from './score/model-loader.js';
import { waitingTargets } from './score/waiting-targets.js';

/**
 * Follows the network's targets, scores samples under its models, submits hits and claims rewards. Reports through
 * {@link events}; never prints, reads the environment or exits the process.
 */
export class Miner {
  readonly events: MinerEmitter = new EventEmitter<MinerEvents>();
  readonly #options: MinerOptions;
  readonly #parts: MinerParts;
  readonly #stop = new AbortController();
  #paused = false;
  /** Whether the start succeeded; after that, failures of a node no longer end the miner. */
  #started = false;

  constructor(options: MinerOptions, deps: MinerDeps) {
    this.#options = options;
    // Every operation in flight listens to this signal: many listeners are not a leak.
    setMaxListeners(0, this.#stop.signal);
    this.#parts = createMinerParts(options, deps, this.events, () => this.#paused);
  }

  /** Counts and rates since the miner was created. */
  summary(): MinerSummary {
    const { account, book, chain, models, node, stats } = this.#parts;
    const { totalShannons } = account.pool;
    return stats.summary({
      openTargets: book.size,
      // At the end of a run the models are unloaded, so the count would be misleading.
      waitingTargets: this.#stop.signal.aborted ? 0 : waitingTargets(book, models),
      fullnodeLostMs: node.contact.lostMs,
      reach: this.reach,
      epoch: chain.epoch,
      paused: this.#paused,
      balanceShannons: this.#started || totalShannons > 0n ? totalShannons : undefined,
      accountFeesShannons: account.feesShannons,
    });
  }

  /** State of the connection to the network. */
  get contact(): NodeContact {
    return this.#parts.node.contact;
  }

  /** Share of recently opened targets that the store had a hit for, 0 to 1; `undefined` while unknown. */
  get reach(): number | undefined {
    const { reach, stats } = this.#parts;
    if (this.#options.scoreOnly) return undefined;
    return stats.scored.total === 0 && stats.hits === 0 ? undefined : reach.share;
  }

  /** Submissions queued or awaiting an answer. */
  get queued(): number {
    return this.#parts.submitter.pending;
  }

  /** The network's active models. */
  get models(): readonly ModelStatus[] {
    return this.#parts.loader.statuses;
  }

  /** Pauses scoring and submitting. Targets are still followed. */
  pause(reason = 'asked to'): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#parts.submitter.pause();
    this.#parts.matcher.pause();
    this.events.emit('paused', { reason });
  }

  /** Resumes after {@link pause}. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#parts.submitter.resume();
    this.#parts.matcher.resume();
    this.events.emit('resumed');
    this.#parts.wake.now();
  }

  /** Ends {@link run}, like its signal. */
  stop(): void {
    this.#stop.abort();
    this.#parts.wake.now();
  }

  /**
   * Mines until the signal fires, `stop` is called, or `maxAccepted` or an `until…` option is met; then drains
   * submissions in flight.
   *
   * @throws QuarryError when the network is unreachable at the start, or a loop fails permanently
   */
  async run({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<MinerSummary> {
    signal?.addEventListener('abort', () => this.stop(), { once: true });
    if (signal?.aborted) this.stop();
    const stop = this.#stop.signal;
    const { failure, follower, mining, node, nodeFailed, settlement, submitter } = this.#parts;
    try {
      await this.#supervise('starting', () => startRun(this.#parts, this.#options, stop));
      this.#started = true;
      const loops = [
        this.#supervise('following targets', (succeeded) => follower.follow(succeeded, stop), nodeFailed),
        this.#supervise('mining', (succeeded) => mining.run(succeeded, stop)).then(() => submitter.idle()),
        this.#supervise('settling', (succeeded) => settlement.run(succeeded, stop)),
        this.#supervise('watching the node', () => node.watch(stop)),
      ];
      // The first loop to end, normally or with an error, ends the others.
      await Promise.race([...loops, failure.raised]).finally(() => this.stop());
      await Promise.allSettled(loops);
    } catch (error) {
      if (!isAbort(error)) throw error;
    } finally {
      this.stop();
      await endRun(this.#parts, this.#options.drainMs);
    }
    return this.summary();
  }

  /** Claims everything that is due, without mining. */
  async claim({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<MinerSummary> {
    const control = signal ?? new AbortController().signal;
    const { chain, claimer, settlement } = this.#parts;
    await settlement.settle(control);
    const { epoch } = await chain.refresh(control);
    await claimer.claimDue(epoch, control);
    return this.summary();
  }

  #supervise(doing: string, body: (succeeded: () => void) => Promise<void>, alsoTell?: (error: QuarryError) => void) {
    const { mend, warn } = this.#parts;
    const onFailure = (error: QuarryError): void => {
      alsoTell?.(error);
      warn(error);
    };
    return supervise(doing, body, { onFailure, mend, outlivesNodes: this.#started }, this.#stop.signal);
  }
}
