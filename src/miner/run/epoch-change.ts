import { sleep } from '../../net/index.js';
import type { WeightsCache } from '../../weights/weights-cache.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { ActiveModel, ModelCatalogue } from '../score/model-catalogue.js';
import { dropStaleScores, type StaleScoresDeps } from '../score/stale-scores.js';
import type { ClaimSchedule } from '../submit/claim-schedule.js';
import type { SampleHosting } from '../submit/sample-hosting.js';
import type { ChainState } from './chain-state.js';
import type { Complaints } from './complaints.js';
import type { MinerEmitter } from './events.js';
import type { Notifier } from './notifier.js';
import type { TaskGroup } from './task-group.js';

export interface EpochChangeOptions {
  /** Epochs for which the scores of weights that are no longer active are kept. */
  readonly keepScoresEpochs: number;
  /** Delay of cleanup after an epoch that did not directly follow the previous one, milliseconds. */
  readonly confirmationMs: number;
  /**
   * Delay of claims, cleanup and readings that no target waits for, milliseconds: it leaves the processor to the targets that
   * open with the epoch.
   */
  readonly targetsFirstMs: number;
}

export interface EpochChangeDeps extends StaleScoresDeps {
  readonly chain: ChainState;
  readonly book: OpenTargets;
  readonly models: ModelCatalogue;
  readonly weights: Pick<WeightsCache, 'prune'>;
  readonly hosting: SampleHosting;
  readonly claims: ClaimSchedule;
  readonly complaints: Complaints;
  readonly background: TaskGroup;
  readonly wake: Notifier;
  readonly emitter: MinerEmitter;
  /** Called if the models of a new epoch became known late: targets that name them can now be matched. */
  readonly onModels: () => void;
  readonly onActiveWeights?: ((checksums: ReadonlySet<string>) => Promise<unknown>) | undefined;
}

/** Background work that {@link EpochChangeDeps.background} names in its failures. */
const READING = 'reading the new epoch';

/** Handles the start of an epoch. */
export class EpochChange {
  readonly #options: EpochChangeOptions;
  readonly #deps: EpochChangeDeps;
  /** Models that were active at the previous cleanup. */
  #activeBefore: readonly ActiveModel[] = [];

  constructor(options: EpochChangeOptions, deps: EpochChangeDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Expires targets, reads parameters and models, starts claims and cleans up. No-op if `epoch` is the current one. If
   * it does not directly follow the current one, cleanup waits in case the node reported a wrong epoch. Its targets wait
   * for the reading only if models or parameters may have changed.
   */
  async begin(epoch: bigint, protocolVersion: bigint | undefined, signal: AbortSignal): Promise<void> {
    const { chain, book, claims, complaints, background, wake, emitter } = this.#deps;
    const before = chain.epoch;
    if (epoch === before) return;
    complaints.forget();
    const staysSame = chain.staysInto(epoch, protocolVersion);
    chain.begin(epoch);
    book.expireBefore(epoch);
    const { confirmationMs, targetsFirstMs } = this.#options;
    const read = (): Promise<void> => this.#read(epoch, signal);
    const reading = staysSame ? sleep(targetsFirstMs, signal).then(read) : read();
    if (staysSame) background.run(READING, reading);
    else await reading;
    emitter.emit('epoch', { epoch, openTargets: book.size });
    wake.now();
    background.run(
      'claiming',
      sleep(targetsFirstMs, signal).then(() => claims.start(signal)),
    );
    const isNext = before !== undefined && epoch === before + 1n;
    const delayMs = isNext ? targetsFirstMs : confirmationMs;
    const isDue = Promise.all([sleep(delayMs, signal), reading.catch(() => {})]);
    background.run(
      'tidying up after the epoch',
      isDue.then(() => this.#tidy(epoch, signal)),
    );
  }

  /** Reads the state; of a node that lags behind the epoch, again in the background. */
  async #read(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { chain, background, onModels } = this.#deps;
    if ((await chain.refresh(signal)).epoch >= epoch) return;
    background.run(READING, chain.catchUp(epoch, signal).then(onModels));
  }

  /** Removes what is no longer needed: audited data, and weights and scores of inactive models. */
  async #tidy(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { chain, hosting, models, weights, onActiveWeights } = this.#deps;
    if (chain.epoch !== epoch) return;
    await hosting.release(epoch, signal);
    const { active } = models;
    // Keep weights for one more epoch, in case a single answer omitted their model.
    const kept = [...this.#activeBefore, ...active];
    this.#activeBefore = active;
    await weights.prune(kept.map((model) => model.manifest));
    await onActiveWeights?.(new Set(kept.map((model) => model.key.checksum)));
    const keys = active.map((model) => model.key);
    await dropStaleScores(this.#deps, keys, epoch, this.#options.keepScoresEpochs);
  }
}
