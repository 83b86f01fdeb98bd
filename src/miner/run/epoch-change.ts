import { sleep } from '../../http/index.js';
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
  /** Delay of claims and cleanup, which leaves the processor to the targets that open with the epoch, milliseconds. */
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
   * it does not directly follow the current one, cleanup waits in case the node reported a wrong epoch.
   */
  async begin(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { chain, book, claims, complaints, background, wake, emitter, onModels } = this.#deps;
    const before = chain.epoch;
    if (epoch === before) return;
    complaints.forget();
    chain.begin(epoch);
    book.expireBefore(epoch);
    if ((await chain.refresh(signal)).epoch < epoch) {
      background.run('reading the new epoch', chain.catchUp(epoch, signal).then(onModels));
    }
    emitter.emit('epoch', { epoch, openTargets: book.size });
    wake.now();
    const { confirmationMs, targetsFirstMs } = this.#options;
    background.run(
      'claiming',
      sleep(targetsFirstMs, signal).then(() => claims.start(signal)),
    );
    const isNext = before !== undefined && epoch === before + 1n;
    const delayMs = isNext ? targetsFirstMs : confirmationMs;
    background.run('tidying up after the epoch', this.#tidy(epoch, delayMs, signal));
  }

  /** Removes what is no longer needed: audited data, and weights and scores of inactive models. */
  async #tidy(epoch: bigint, delayMs: number, signal: AbortSignal): Promise<void> {
    const { chain, hosting, models, weights, onActiveWeights } = this.#deps;
    await sleep(delayMs, signal);
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
