import { isDeepStrictEqual } from 'node:util';
import { QuarryError } from '../../errors/index.js';
import { backoffDelayMs, sleep } from '../../http/index.js';
import { PROTOCOL_VERSIONS } from '../../soma/chain/protocol-config.js';
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
  /** Called with models that cannot be read. */
  readonly complain: (error: QuarryError) => void;
  /** What targets are matched and judged by has changed. */
  readonly onChanged: () => void;
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
    const state = await this.#read(signal);
    await this.#takeOver(state);
    return state;
  }

  /** Reads the state again within an epoch. */
  async reread(signal: AbortSignal): Promise<void> {
    const before = this.epoch;
    const state = await this.#read(signal);
    // A node that lags answers with the epoch before; that one is over.
    if (before === undefined || state.epoch + 1n !== before) await this.#takeOver(state);
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

  async #read(signal: AbortSignal): Promise<SystemState> {
    const { client, embeddingDim } = this.#deps;
    const state = await client.getSystemState({ signal });
    const dim = Number(state.parameters.targetEmbeddingDim);
    if (dim !== embeddingDim) {
      throw new QuarryError(
        'CONFIG_INVALID',
        `the network's embeddings have ${dim} values, but the model shape has ${embeddingDim}`,
        { hint: 'choose the matching --model-config' },
      );
    }
    return state;
  }

  async #takeOver(state: SystemState): Promise<void> {
    const { models, complain, onChanged } = this.#deps;
    for (const error of state.unreadableModels) complain(error);
    const { protocolVersion } = state;
    if (protocolVersion > BigInt(PROTOCOL_VERSIONS.max)) {
      const text = `the network runs protocol version ${protocolVersion}, this release supports up to ${PROTOCOL_VERSIONS.max}`;
      const details = { protocolVersion: String(protocolVersion) };
      complain(new QuarryError('UNSUPPORTED', text, { hint: 'install a newer release of Quarry', details }));
    }
    const limits = limitsOf(state.parameters);
    const areSameLimits = isDeepStrictEqual(limits, this.limits);
    this.#state = state;
    this.#epoch ??= state.epoch;
    const areSameModels = !(await models.update(state.models.values()));
    if (!areSameLimits || !areSameModels) onChanged();
  }
}
