import { QuarryError } from '../../errors/index.js';
import { backoffDelayMs, sleep } from '../../http/index.js';
import type { SystemState } from '../../soma/client/decode/system-state.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';
import { limitsOf, type SubmissionLimits } from '../submit/submission-limits.js';
import { AGAIN, MAX_FAILURES } from './supervise.js';

export interface ChainStateDeps {
  readonly client: Pick<SomaClient, 'getSystemState'>;
  readonly models: Pick<ModelCatalogue, 'update'>;
  /** Width of the embeddings that the models' shape gives. */
  readonly embeddingDim: number;
  /** Told of models that cannot be read. */
  readonly complain: (error: QuarryError) => void;
}

/** The chain's shared state as it was last read: epoch, parameters, models. */
export class ChainState {
  readonly #deps: ChainStateDeps;
  #state: SystemState | undefined;
  #epoch: bigint | undefined;

  constructor(deps: ChainStateDeps) {
    this.#deps = deps;
  }

  /** The epoch that is believed: the first one read, then what checkpoints tell. `undefined` until the network was asked. */
  get epoch(): bigint | undefined {
    return this.#epoch;
  }

  /** What the chain's parameters say about submissions; all zero until the network was asked. */
  get limits(): SubmissionLimits {
    return limitsOf(this.#state?.parameters);
  }

  /**
   * Reads the state and hands its models to the catalogue.
   *
   * @throws QuarryError `CONFIG_INVALID` when the network's embeddings have another width than the models' shape gives
   */
  async refresh(signal: AbortSignal): Promise<SystemState> {
    const { client, models, embeddingDim, complain } = this.#deps;
    const state = await client.getSystemState({ signal });
    this.#state = state;
    this.#epoch ??= state.epoch;
    const dim = Number(state.parameters.targetEmbeddingDim);
    if (dim !== embeddingDim) {
      throw new QuarryError(
        'CONFIG_INVALID',
        `the network's embeddings have ${dim} values, the models' shape says ${embeddingDim}`,
        { hint: 'choose the matching --model-config' },
      );
    }
    for (const error of state.unreadableModels) complain(error);
    await models.update(state.models.values());
    return state;
  }

  /** Takes over an epoch that checkpoints tell. */
  begin(epoch: bigint): void {
    this.#epoch = epoch;
  }

  /**
   * Reads the state again until it is that of the epoch: a node that lags answers with the one before for a while. Gives
   * up when another epoch has begun.
   */
  async catchUp(epoch: bigint, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < MAX_FAILURES && this.#epoch === epoch; attempt++) {
      await sleep(backoffDelayMs(attempt, AGAIN, Math.random), signal);
      if ((await this.refresh(signal)).epoch >= epoch) return;
    }
  }
}
