import { rm } from 'node:fs/promises';
import { hexToBytes } from '@noble/hashes/utils.js';
import { QuarryError } from '../../errors/index.js';
import { openSafetensors } from '../../weights/safetensors.js';
import { assertFitsV1, type V1Shape } from '../../weights/v1-layout.js';
import {
  CREATION_NUMBERS,
  deriveId,
  encodeSignedTransaction,
  type SignedTransaction,
  toBase64,
} from '../chain/index.js';
import type { SomaAccount } from '../client/account/soma-account.js';
import type { TransactionResult } from '../client/execute/execute-transaction.js';
import type { SomaClient } from '../client/soma-client.js';
import { encryptWeightsFile } from './encrypt-weights.js';
import {
  type ChainStep,
  freshDecryptionKey,
  type PublicationState,
  readPublicationState,
  writePublicationState,
} from './publication-state.js';

/** The model to publish, its stake and options. */
export interface PublishModelOptions {
  /** Unencrypted safetensors file. */
  readonly path: string;
  /** Shape of the model, which the file is checked against. */
  readonly shape: V1Shape;
  /** The model's point in embedding space, `[embeddingDim]`: nearby targets will name it. */
  readonly embedding: Float32Array;
  /** The owner's share of the model's rewards, 0 to 10,000 basis points. */
  readonly commissionRateBps: number;
  /** Stake of a model that has to be created. Default: the network's minimum. */
  readonly stakeShannons?: bigint | undefined;
  /** File that keeps the publication's state. Default: the weights' path with `.publication.json`. */
  readonly statePath?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies of publishing. */
export interface PublishModelDeps {
  readonly client: SomaClient;
  readonly account: SomaAccount;
  /** Hosts the encrypted file publicly; returns its URL. */
  readonly hostFile: (checksum: string, path: string) => Promise<string>;
  /** Called after each step. */
  readonly onStep?: ((step: PublicationStep, state: PublicationState) => void) | undefined;
}

/** Steps of a publication, in order. */
export type PublicationStep = 'encrypted' | 'hosted' | 'created' | 'committed' | 'revealed';

/**
 * A model being published. Each step is recorded before the next, and each transaction before it is sent; a later run
 * resumes, and sends nothing twice.
 */
export class ModelPublication {
  readonly #options: PublishModelOptions;
  readonly #deps: PublishModelDeps;
  readonly #statePath: string;

  constructor(options: PublishModelOptions, deps: PublishModelDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#statePath = options.statePath ?? `${options.path}.publication.json`;
  }

  /**
   * Everything up to the commitment: checks the file, encrypts, hosts, creates, commits.
   *
   * @throws QuarryError `WEIGHTS_INVALID` when the file does not fit the architecture
   */
  async commit(): Promise<PublicationState> {
    const { client, account } = this.#deps;
    const { signal, commissionRateBps, stakeShannons } = this.#options;
    const control = { signal };
    let state = await this.#settled(await this.#encryptedAndHosted());
    if (state.modelId === undefined) {
      const result = await account.createModel({
        commissionRateBps,
        stakeShannons,
        ...control,
        onSigned: this.#writesDown('created', state),
      });
      state = await this.#done('created', state, result);
    }
    // A commitment not revealed in its epoch is void: commit again.
    const { epoch } = await client.getServiceInfo(control);
    const stale = state.commitEpoch !== undefined && epoch > BigInt(state.commitEpoch) + 1n && !state.revealed;
    if (state.commitEpoch === undefined || stale) {
      const result = await account.commitModel({
        modelId: required(state.modelId),
        manifest: { url: required(state.url), checksum: hexToBytes(state.checksum), size: BigInt(state.sizeBytes) },
        decryptionKey: hexToBytes(state.decryptionKey),
        embedding: Float32Array.from(state.embedding),
        ...control,
        onSigned: this.#writesDown('committed', state),
      });
      state = await this.#done('committed', state, result);
    }
    return state;
  }

  /**
   * Reveals key and embedding. Must run in the epoch after the commitment.
   *
   * @throws ExecutionError `modelRevealEpochMismatch` in any other epoch
   */
  async reveal(): Promise<PublicationState> {
    const written = await readPublicationState(this.#statePath);
    const state = written === undefined ? undefined : await this.#settled(written);
    if (state?.modelId === undefined || state.commitEpoch === undefined) {
      throw new QuarryError('FAILED_PRECONDITION', 'this model has not been committed yet');
    }
    if (state.revealed) return state;
    const result = await this.#deps.account.revealModel({
      modelId: state.modelId,
      decryptionKey: hexToBytes(state.decryptionKey),
      embedding: Float32Array.from(state.embedding),
      signal: this.#options.signal,
      onSigned: this.#writesDown('revealed', state),
    });
    return this.#done('revealed', state, result);
  }

  /** The complete publication: commits, waits for the next epoch, reveals. */
  async run(): Promise<PublicationState> {
    const state = await this.commit();
    if (state.revealed) return state;
    const revealEpoch = BigInt(required(state.commitEpoch)) + 1n;
    const { signal } = this.#options;
    for await (const { epoch } of this.#deps.client.watchEpochs({ signal })) {
      if (epoch >= revealEpoch) break;
    }
    return this.reveal();
  }

  async #encryptedAndHosted(): Promise<PublicationState> {
    const { path, shape, embedding, signal } = this.#options;
    let state = await readPublicationState(this.#statePath);
    const encryptedPath = `${path}.encrypted`;
    if (state === undefined) {
      const weights = await openSafetensors(path);
      try {
        assertFitsV1(weights, shape);
      } finally {
        await weights.close();
      }
      if (embedding.length !== shape.embeddingDim) {
        throw new QuarryError(
          'INVALID_ARGUMENT',
          `the embedding must have ${shape.embeddingDim} values, got ${embedding.length}`,
        );
      }
      const key = freshDecryptionKey();
      const { checksum, sizeBytes } = await encryptWeightsFile(path, encryptedPath, key, signal);
      const decryptionKey = Buffer.from(key).toString('hex');
      state = await this.#save('encrypted', { checksum, sizeBytes, decryptionKey, embedding: Array.from(embedding) });
    }
    if (state.url === undefined) {
      const url = await this.#deps.hostFile(state.checksum, encryptedPath);
      state = await this.#save('hosted', { ...state, url });
      await rm(encryptedPath, { force: true });
    }
    return state;
  }

  /** Records a transaction before it is sent: if the process dies meanwhile, a later run must not send a second one. */
  #writesDown(step: ChainStep, state: PublicationState): (signed: SignedTransaction) => Promise<void> {
    return (signed) => {
      const pending = { step, digest: signed.digest, signed: toBase64(encodeSignedTransaction(signed)) };
      return writePublicationState(this.#statePath, { ...state, pending });
    };
  }

  /** Returns the state, updated with the outcome of a transaction signed by an earlier run. */
  async #settled(state: PublicationState): Promise<PublicationState> {
    const { pending, ...rest } = state;
    if (pending === undefined) return state;
    const { signal } = this.#options;
    const control = { signal };
    const recovery = await this.#deps.client.recoverTransaction(pending.signed, control);
    if (recovery.kind === 'unknown') throw recovery.reason;
    if (recovery.kind === 'executed' && recovery.result.effects.status.kind === 'success') {
      return this.#done(pending.step, rest, recovery.result);
    }
    await writePublicationState(this.#statePath, rest);
    return rest;
  }

  /** Records the result of a transaction. */
  #done(step: ChainStep, state: PublicationState, { digest, effects }: TransactionResult): Promise<PublicationState> {
    switch (step) {
      case 'created':
        return this.#save(step, { ...state, modelId: deriveId(digest, CREATION_NUMBERS.createModel.model) });
      case 'committed':
        return this.#save(step, { ...state, commitEpoch: String(effects.executedEpoch) });
      case 'revealed':
        return this.#save(step, { ...state, revealed: true });
    }
  }

  async #save(step: PublicationStep, state: PublicationState): Promise<PublicationState> {
    await writePublicationState(this.#statePath, state);
    this.#deps.onStep?.(step, state);
    return state;
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new QuarryError('DATA_INVALID', "the publication's state lacks a step");
  return value;
}
