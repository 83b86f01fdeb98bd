import { isDeepStrictEqual } from 'node:util';
import { QuarryError } from '../../errors/index.js';
import { backoffDelayMs, sleep } from '../../net/index.js';
import { PROTOCOL_VERSIONS } from '../../soma/chain/protocol-config.js';
import type { SystemState } from '../../soma/client/decode/system-state.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';
import { limitsOf, type SubmissionLimits } from '../submit/submission-limits.js';
import { AGAIN, MAX_FAILURES } from './supervise.js';

export interface ChainStateDeps {
  readonly client: Pick<SomaClient, 'getSystemState'>;
  readonly models: Pick<ModelCatalogue, 'update'>;
  /** Embedding width of the configured model shape. */
  readonly embeddingDim: number;
  /** Called for models that cannot be decoded and for unsupported protocol versions. */
  readonly complain: (error: QuarryError) => void;
  /** Called when models or submission limits have changed. */
  readonly onChanged: () => void;
}

/** The last known system state: epoch, parameters, models. */
export class ChainState {
  readonly #deps: ChainStateDeps;
  #state: SystemState | undefined;
  #epoch: bigint | undefined;

  constructor(deps: ChainStateDeps) {
    this.#deps = deps;
  }

  /** Current epoch: the first one read, later the one that checkpoints report. `undefined` before the first read. */
  get epoch(): bigint | undefined {
    return this.#epoch;
  }

  /** Submission limits; all zero before the first read. */
  get limits(): SubmissionLimits {
    return limitsOf(this.#state?.parameters);
  }

  /**
   * Reads the state and updates the catalogue.
   *
   * @throws QuarryError `CONFIG_INVALID` when the network's embedding width differs from that of the model shape
   */
  async refresh(signal: AbortSignal): Promise<SystemState> {
    const state = await this.#read(signal);
    await this.#takeOver(state);
    return state;
  }

  /** Reads the state again within an epoch. Ignores the answer of a node that lags by one epoch. */
  async reread(signal: AbortSignal): Promise<void> {
    const before = this.epoch;
    const state = await this.#read(signal);
    if (before === undefined || state.epoch + 1n !== before) await this.#takeOver(state);
  }

  /**
   * Whether `epoch` begins with the models and parameters that are known, so that its targets can be answered before the
   * state is read again: no active model has an update that may have been revealed, and the protocol stays the same.
   * An update that is committed later can be revealed only after `epoch` has begun.
   *
   * @param protocolVersion of `epoch`; undefined if unknown
   */
  staysInto(epoch: bigint, protocolVersion: bigint | undefined): boolean {
    const state = this.#state;
    if (state === undefined || state.epoch + 1n !== epoch || state.protocolVersion !== protocolVersion) return false;
    return [...state.models.values()].every((model) => model.state !== 'active' || model.pendingUpdate === undefined);
  }

  /** Sets the epoch, as reported by checkpoints. */
  begin(epoch: bigint): void {
    this.#epoch = epoch;
  }

  /**
   * Reads the state until the node has reached `epoch`, since a lagging node keeps answering with the previous one.
   * Gives up when the next epoch has begun or after {@link MAX_FAILURES} attempts.
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
