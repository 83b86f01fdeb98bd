import { QuarryError } from '../../../errors/index.js';
import {
  type Address,
  type AddValidator,
  CREATION_NUMBERS,
  decryptionKeyCommitment,
  deriveId,
  embeddingCommitment,
  normaliseId,
  type ObjectId,
  type ObjectRef,
  scalarTensor,
  submissionBond,
  type TransactionKind,
  type UpdateValidatorMetadata,
  vectorTensor,
} from '../../chain/index.js';
import type { CallOptions } from '../context.js';
import { refOf } from '../decode/object.js';
import type { TransactionResult } from '../execute/execute-transaction.js';
import { simulateTransaction } from '../execute/simulate-transaction.js';
import { batchGetObjects } from '../read/batch-get-objects.js';
import { listCoins } from '../read/list-coins.js';
import { GrpcError } from '../transport/index.js';
import {
  type AmountOrCoin,
  type CommitModelOptions,
  type CreatedModel,
  type CreateModelOptions,
  type RevealModelOptions,
  type SubmitDataOptions,
  type UnsignedTransaction,
  unsigned,
} from './account-options.js';
import type { CoinLease } from './coin-pool.js';
import { type SendOptions, withoutSendOptions } from './send-options.js';
import type { Plan } from './transaction-plan.js';
import { TransactionSender } from './transaction-sender.js';

export type {
  AmountOrCoin,
  CommitModelOptions,
  CreatedModel,
  CreateModelOptions,
  RevealModelOptions,
  SubmitDataOptions,
  UnsignedTransaction,
} from './account-options.js';
export type { AccountOptions, SendOptions } from './send-options.js';

/** Assumed value for the fees of claims and withdrawals of unknown value: far above what the network charges. */
const UNKNOWN_VALUE_SHANNONS = 100_000_000n;

/** Maximum coins merged by one transaction. */
const MERGE_AT_ONCE = 250;

/**
 * All transactions of one signer. Its pool selects coins, so that many calls can run concurrently. Every call throws
 * {@link ExecutionError} when the transaction executes but fails.
 */
export class SomaAccount extends TransactionSender {
  /** Submits data for a target; the bond is taken from the paying coin. */
  async submitData(options: SubmitDataOptions): Promise<TransactionResult> {
    const { submissionBondPerByte } = await this.parameters();
    const spends = submissionBond(options.manifest.size, submissionBondPerByte);
    this.assertBond(spends, options.manifest.size);
    return this.send(
      this.#gasPlan('submitData', 4, {
        spends,
        inRace: true,
        build: (coin) => ({
          kind: 'submitData',
          targetId: normaliseId(options.targetId),
          dataManifest: options.manifest,
          modelId: normaliseId(options.modelId),
          embedding: vectorTensor(options.embedding),
          distanceScore: scalarTensor(options.distance),
          lossScore: vectorTensor([options.loss]),
          bondCoin: refOf(coin),
        }),
      }),
      options,
    );
  }

  /** Claims the reward of a target that was filled two epochs ago or has expired. */
  claimRewards(options: SendOptions & { readonly targetId: ObjectId; readonly rewardShannons?: bigint | undefined }) {
    const kind = { kind: 'claimRewards', targetId: normaliseId(options.targetId) } as const;
    const value = options.rewardShannons ?? UNKNOWN_VALUE_SHANNONS;
    return this.send(this.#gasPlan(kind.kind, 6, { build: () => kind, value, patient: true }), options);
  }

  /** Reports a submission, as a validator, in the epoch after it was filled. */
  reportSubmission(options: SendOptions & { readonly targetId: ObjectId }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'reportSubmission', targetId: normaliseId(options.targetId) }, 3, options);
  }
  /** Withdraws the report of a submission. */
  undoReportSubmission(options: SendOptions & { readonly targetId: ObjectId }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'undoReportSubmission', targetId: normaliseId(options.targetId) }, 3, options);
  }

  // Models.

  /** Registers a model; the stake is taken from the paying coins. */
  async createModel(options: CreateModelOptions): Promise<CreatedModel> {
    const parameters = await this.parameters();
    const stakeAmount = options.stakeShannons ?? parameters.modelMinStake;
    const kind = {
      kind: 'createModel',
      stakeAmount,
      commissionRate: BigInt(options.commissionRateBps),
      architectureVersion: options.architectureVersion ?? parameters.modelArchitectureVersion,
    } as const;
    const result = await this.send(
      this.#gasPlan('createModel', 3, { spends: stakeAmount, build: () => kind }),
      options,
    );
    const { model, stakingPool, stakedSoma } = CREATION_NUMBERS.createModel;
    return {
      ...result,
      modelId: deriveId(result.digest, model),
      stakingPoolId: deriveId(result.digest, stakingPool),
      stakedSomaId: deriveId(result.digest, stakedSoma),
    };
  }

  /** Commits to weights, key and embedding, which must be revealed in exactly the next epoch. */
  commitModel(options: CommitModelOptions): Promise<TransactionResult> {
    return this.#sendGasOnly(
      {
        kind: 'commitModel',
        modelId: normaliseId(options.modelId),
        manifest: options.manifest,
        // Both are the hash of the encrypted bytes.
        weightsCommitment: options.manifest.checksum,
        embeddingCommitment: embeddingCommitment(options.embedding),
        decryptionKeyCommitment: decryptionKeyCommitment(options.decryptionKey),
      },
      2,
      options,
    );
  }

  /** Reveals the commitment of the previous epoch. The key is public from then on. */
  async revealModel(options: RevealModelOptions): Promise<TransactionResult> {
    const { targetEmbeddingDim } = await this.parameters();
    if (BigInt(options.embedding.length) !== targetEmbeddingDim) {
      // The chain accepts any length here, but then fails to generate targets.
      throw new QuarryError('INVALID_ARGUMENT', `a model embedding has ${targetEmbeddingDim} values on this network`, {
        hint: 'commit and reveal an embedding of that length',
        details: { expected: targetEmbeddingDim, actual: options.embedding.length },
      });
    }
    return this.#sendGasOnly(
      {
        kind: 'revealModel',
        modelId: normaliseId(options.modelId),
        decryptionKey: options.decryptionKey,
        embedding: vectorTensor(options.embedding),
      },
      2,
      options,
    );
  }

  /** Sets a model's commission from the next epoch, as its owner. */
  setModelCommissionRate(options: SendOptions & { readonly modelId: ObjectId; readonly newRateBps: number | bigint }) {
    const { modelId, newRateBps } = options;
    const kind = {
      kind: 'setModelCommissionRate',
      modelId: normaliseId(modelId),
      newRate: BigInt(newRateBps),
    } as const;
    return this.#sendGasOnly(kind, 2, options);
  }
  /** Deactivates a model, as its owner. */
  deactivateModel(options: SendOptions & { readonly modelId: ObjectId }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'deactivateModel', modelId: normaliseId(options.modelId) }, 2, options);
  }
  /** Reports a model, as a validator. */
  reportModel(options: SendOptions & { readonly modelId: ObjectId }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'reportModel', modelId: normaliseId(options.modelId) }, 2, options);
  }
  /** Withdraws the report of a model. */
  undoReportModel(options: SendOptions & { readonly modelId: ObjectId }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'undoReportModel', modelId: normaliseId(options.modelId) }, 2, options);
  }

  // Coins and objects.

  /** Sends an amount, or a whole coin. */
  transferCoin(options: SendOptions & AmountOrCoin & { readonly recipient: Address }): Promise<TransactionResult> {
    const recipient = normaliseId(options.recipient);
    return this.#spend(
      'transferCoin',
      2,
      options,
      (coin, amount) => ({ kind: 'transferCoin', coin, amount, recipient }),
      {
        // A transfer to ourselves creates a new coin of ours.
        ...('amountShannons' in options &&
          recipient === this.address && { creates: new Map([[0, options.amountShannons]]) }),
      },
    );
  }

  /** Pays several recipients at once. */
  async payCoins(
    options: SendOptions & {
      readonly payments: readonly { readonly recipient: Address; readonly amountShannons: bigint }[];
    },
  ): Promise<TransactionResult> {
    const recipients = options.payments.map((payment) => normaliseId(payment.recipient));
    const amounts = options.payments.map((payment) => payment.amountShannons);
    const mine = recipients.flatMap((id, index) => (id === this.address ? [[index, amounts[index]!] as const] : []));
    return this.send(
      this.#gasPlan('payCoins', 1 + amounts.length, {
        spends: amounts.reduce((sum, amount) => sum + amount, 0n),
        build: (coin) => ({ kind: 'payCoins', coins: [refOf(coin)], amounts, recipients }),
        creates: new Map(mine),
      }),
      options,
    );
  }

  /** Transfers whole objects, such as coins and stakes. */
  async transferObjects(
    options: SendOptions & { readonly recipient: Address; readonly objectIds: readonly ObjectId[] },
  ): Promise<TransactionResult> {
    const others: CoinLease[] = [];
    try {
      for (const id of options.objectIds) {
        const lease = await this.pool.reserve(id, options.signal);
        if (lease !== undefined) others.push(lease);
      }
      const objects = (await batchGetObjects(this.client, options.objectIds, options)).map((object) => {
        if (object instanceof GrpcError) throw object;
        return refOf(object);
      });
      const recipient = normaliseId(options.recipient);
      const build = () => ({ kind: 'transferObjects', objects, recipient }) as const;
      return await this.send(this.#gasPlan('transferObjects', 1 + objects.length, { build, others }), options);
    } finally {
      for (const lease of others) this.pool.release(lease);
    }
  }

  /**
   * Merges all coins into two: the paying coins become one, and the smallest stays. Returns `undefined` if there are
   * fewer than three.
   */
  async mergeCoins(options: SendOptions = {}): Promise<TransactionResult | undefined> {
    await this.pool.refresh(options.signal);
    const [smallest, ...rest] = this.pool.free().reverse();
    if (smallest === undefined || rest.length < 2) return undefined;
    const small = await this.pool.reserve(smallest.objectId, options.signal);
    if (small === undefined) return undefined;
    const kind = { kind: 'transferCoin', coin: refOf(smallest), recipient: this.address } as const;
    // Requesting the total of the largest coins makes the pool pay with all of them.
    const total = rest.slice(-MERGE_AT_ONCE).reduce((sum, coin) => sum + coin.balanceShannons, 0n);
    return this.send(
      {
        doing: 'mergeCoins',
        kind: 'transferCoin',
        writes: 2,
        spends: 0n,
        value: smallest.balanceShannons,
        atLeast: total,
        build: () => kind,
        others: [small],
      },
      options,
    );
  }

  // Stakes.

  /** Stakes with a validator: an amount, or a whole coin. */
  addStake(options: SendOptions & AmountOrCoin & { readonly validator: Address }): Promise<TransactionResult> {
    const address = normaliseId(options.validator);
    return this.#spend('addStake', 3, options, (coinRef, amount) => ({ kind: 'addStake', address, coinRef, amount }));
  }

  /** Stakes with a model: an amount, or a whole coin. */
  addStakeToModel(options: SendOptions & AmountOrCoin & { readonly modelId: ObjectId }): Promise<TransactionResult> {
    const modelId = normaliseId(options.modelId);
    return this.#spend('addStakeToModel', 3, options, (coinRef, amount) => ({
      kind: 'addStakeToModel',
      modelId,
      coinRef,
      amount,
    }));
  }

  /** Converts a stake back to a coin, including its earnings. */
  async withdrawStake(options: SendOptions & { readonly stakedSomaId: ObjectId }): Promise<TransactionResult> {
    const [stake] = await batchGetObjects(this.client, [options.stakedSomaId], options);
    if (stake === undefined || stake instanceof GrpcError) throw stake ?? new QuarryError('NOT_FOUND', 'no such stake');
    return this.#sendGasOnly({ kind: 'withdrawStake', stakedSoma: refOf(stake) }, 3, options, UNKNOWN_VALUE_SHANNONS);
  }

  // Validators.

  /** Requests to join the validators. */
  addValidator(options: SendOptions & AddValidator): Promise<TransactionResult> {
    return this.#sendGasOnly({ ...withoutSendOptions(options), kind: 'addValidator' }, 3, options);
  }
  /** Leaves the validators at the end of the epoch. */
  removeValidator(options: SendOptions & { readonly pubkeyBytes: Uint8Array }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'removeValidator', pubkeyBytes: options.pubkeyBytes }, 2, options);
  }
  /** Changes a validator's addresses and keys from the next epoch. */
  updateValidatorMetadata(options: SendOptions & UpdateValidatorMetadata): Promise<TransactionResult> {
    return this.#sendGasOnly({ ...withoutSendOptions(options), kind: 'updateValidatorMetadata' }, 2, options);
  }
  /** Sets a validator's commission from the next epoch. */
  setCommissionRate(options: SendOptions & { readonly newRateBps: number | bigint }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'setCommissionRate', newRate: BigInt(options.newRateBps) }, 2, options);
  }
  /** Reports another validator. */
  reportValidator(options: SendOptions & { readonly reportee: Address }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'reportValidator', reportee: normaliseId(options.reportee) }, 2, options);
  }
  /** Withdraws the report of a validator. */
  undoReportValidator(options: SendOptions & { readonly reportee: Address }): Promise<TransactionResult> {
    return this.#sendGasOnly({ kind: 'undoReportValidator', reportee: normaliseId(options.reportee) }, 2, options);
  }

  // Any transaction.

  /** Sends any kind with known objects; the pool adds the gas. */
  sendKind(kind: TransactionKind, options: SendOptions = {}): Promise<TransactionResult> {
    return this.#sendGasOnly(kind, 8, options, UNKNOWN_VALUE_SHANNONS);
  }

  /** Builds a transaction of any kind with gas from the pool, to sign elsewhere. */
  async buildKind(kind: TransactionKind, options: CallOptions = {}): Promise<UnsignedTransaction> {
    return unsigned(await this.planned(this.#anyPlan(kind), options.signal));
  }

  /** Simulates a transaction of any kind. */
  async simulateKind(kind: TransactionKind, options: CallOptions = {}): Promise<TransactionResult> {
    return simulateTransaction(this.client, await this.planned(this.#anyPlan(kind), options.signal), options);
  }

  #anyPlan(kind: TransactionKind): Plan {
    return { ...this.#gasPlan(kind.kind, 8, { build: () => kind }), value: UNKNOWN_VALUE_SHANNONS };
  }

  #gasPlan(
    kind: Plan['kind'],
    writes: number,
    plan: Pick<Plan, 'build'> & Partial<Omit<Plan, 'build' | 'kind' | 'writes'>>,
  ): Plan {
    return { doing: kind, kind, writes, spends: 0n, ...plan };
  }

  #sendGasOnly(kind: TransactionKind, writes: number, options: SendOptions, value = 0n): Promise<TransactionResult> {
    return this.send({ ...this.#gasPlan(kind.kind, writes, { build: () => kind }), value }, options);
  }

  async #spend(
    name: 'transferCoin' | 'addStake' | 'addStakeToModel',
    writes: number,
    options: SendOptions & AmountOrCoin,
    build: (coin: ObjectRef, amount: bigint | undefined) => TransactionKind,
    extra: Partial<Plan> = {},
  ): Promise<TransactionResult> {
    if ('amountShannons' in options) {
      const amount = options.amountShannons;
      const plan = { spends: amount, build: (gas: ObjectRef) => build(refOf(gas), amount) };
      return this.send({ ...this.#gasPlan(name, writes, plan), ...extra }, options);
    }
    // A whole coin never pays its own gas: the remainder after fees would be undefined.
    const lease = await this.#takeWhole(options.coinId, options);
    const [coin] = lease.coins;
    const plan = { build: () => build(refOf(coin), undefined), others: [lease], value: coin.balanceShannons };
    return this.send(this.#gasPlan(name, writes, plan), options);
  }

  async #takeWhole(coinId: ObjectId, options: SendOptions): Promise<CoinLease> {
    const id = normaliseId(coinId);
    const lease = await this.pool.reserve(id, options.signal);
    if (lease !== undefined) return lease;
    const listed = (await listCoins(this.client, this.address, options)).some((coin) => coin.objectId === id);
    throw listed
      ? new QuarryError('OBJECT_LOCKED', `coin ${id} is in use by another transaction of this account`, {
          hint: 'wait for it, or name another coin',
          details: { objectId: id },
        })
      : new QuarryError('NOT_FOUND', `${this.address} has no coin ${id}`, { details: { objectId: id } });
  }
}
