import { describe, expect, it } from 'vitest';
import { makeGenesis } from '../../../src/devnet/soma/ledger/genesis.js';
import { type ExecutedTransaction, Ledger } from '../../../src/devnet/soma/ledger/ledger.js';
import { refOf } from '../../../src/devnet/soma/ledger/ledger-object.js';
import { genesisValidators } from '../../../src/devnet/soma/network-keys.js';
import { adjustDifficulty } from '../../../src/devnet/soma/state/difficulty.js';
import { type ParameterOverrides, systemParameters } from '../../../src/devnet/soma/state/system-parameters.js';
import { normalArray } from '../../../src/engine/reference/index.js';
import { TOTAL_SUPPLY_SHANNONS } from '../../../src/soma/chain/amount.js';
import { encodeBcs, string } from '../../../src/soma/chain/bcs/index.js';
import { decryptionKeyCommitment, embeddingCommitment } from '../../../src/soma/chain/commitment.js';
import { deriveId, makeTargetSeed } from '../../../src/soma/chain/derivation.js';
import { manifestOf } from '../../../src/soma/chain/manifest.js';
import { scalarTensor, scalarValue, vectorTensor } from '../../../src/soma/chain/tensor.js';
import {
  type TransactionData,
  type TransactionKind,
  transactionDigest,
} from '../../../src/soma/chain/transaction/index.js';

const alice = `0x${'a1'.repeat(32)}`;
const bob = `0x${'b2'.repeat(32)}`;
const SOMA = 1_000_000_000n;
const embedding = Float32Array.from({ length: 16 }, (_, axis) => axis - 8);

/** A ledger without network: coins of 100 SOMA for alice, one active model of bob's. */
class World {
  readonly ledger: Ledger;
  readonly validator: string;
  clock = 1_000n;

  constructor(protocolVersion = 5n, overrides: ParameterOverrides = {}, coins = 20) {
    const [validator] = genesisValidators(1, 1);
    this.validator = validator!.metadata.somaAddress;
    this.ledger = new Ledger(
      makeGenesis({
        seed: 1n,
        timestampMs: this.clock,
        protocolVersion,
        parameters: systemParameters(protocolVersion, {
          targetEmbeddingDim: 16n,
          targetInitialDistanceThreshold: 2,
          targetInitialTargetsPerEpoch: 5n,
          ...overrides,
        }),
        emissionPerEpoch: 1_370n * SOMA,
        accounts: [
          { address: alice, coins: Array.from({ length: coins }, () => 100n * SOMA) },
          { address: bob, coins: Array.from({ length: 5 }, () => 100n * SOMA) },
          { address: this.validator, coins: [100n * SOMA] },
        ],
        validators: [{ metadata: validator!.metadata, stake: 20_000n * SOMA }],
        models: [
          {
            owner: bob,
            manifest: manifestOf('http://models.example/1', Uint8Array.of(1)),
            decryptionKey: new Uint8Array(32).fill(1),
            embedding,
            commissionRate: 100n,
            initialStake: SOMA,
          },
        ],
      }),
    );
  }

  coins(owner = alice) {
    return [...this.ledger.objects.ownedBy(owner)].filter((each) => each.payload.type === 'Coin');
  }

  balance(owner = alice) {
    return this.coins(owner).reduce((sum, { payload }) => sum + (payload.type === 'Coin' ? payload.balance : 0n), 0n);
  }

  run(kind: TransactionKind, sender = alice, gas = this.coins(sender)[0]!): ExecutedTransaction {
    const data: TransactionData = { kind, sender, gasPayment: [refOf(gas)] };
    return this.ledger.execute(data, transactionDigest(data), []);
  }

  /** Runs and returns the failure's kind, or `success`. */
  outcome(kind: TransactionKind, sender = alice): string {
    const { status } = this.run(kind, sender).effects;
    return status.kind === 'success' ? 'success' : status.error.kind;
  }

  nextEpoch(afterMs = 1n, protocolVersion?: bigint) {
    this.clock += afterMs;
    this.ledger.changeEpoch(this.clock, protocolVersion);
    this.ledger.resetEpochFees();
  }

  openTarget(): string {
    for (const [id, target] of this.targets()) {
      if (target.status.kind === 'open' && target.generationEpoch === this.ledger.state.epoch) return id;
    }
    throw new Error('no open target');
  }

  targets() {
    return [...this.ledger.objects.targets.from()].map(({ objectId, target }) => [objectId, target] as const);
  }

  modelId(): string {
    return [...this.ledger.state.modelRegistry.models.keys()][0]!;
  }

  submission(targetId: string, over: Partial<Extract<TransactionKind, { kind: 'submitData' }>> = {}): TransactionKind {
    const bond = this.coins()[1]!;
    return {
      kind: 'submitData',
      targetId,
      dataManifest: manifestOf('http://data.example/1', new Uint8Array(1024)),
      modelId: this.modelId(),
      embedding: vectorTensor(embedding),
      distanceScore: scalarTensor(0.5),
      lossScore: scalarTensor(2),
      bondCoin: refOf(bond),
      ...over,
    };
  }

  /** Every shannon there is. Fees of the running epoch are in nobody's hands yet. */
  supply(): bigint {
    const { state, objects, epochFees } = this.ledger;
    let sum = state.emissionPool.balance + epochFees.totalFee;
    for (const { payload } of objects.all()) {
      if (payload.type === 'Coin') sum += payload.balance;
      if (payload.type === 'Target') sum += payload.target.rewardPool + payload.target.bondAmount;
    }
    for (const { stakingPool } of state.validators.validators)
      sum += stakingPool.somaBalance + stakingPool.pendingStake;
    for (const { stakingPool } of state.modelRegistry.models.values()) {
      sum += stakingPool.somaBalance + stakingPool.pendingStake - stakingPool.pendingTotalSomaWithdraw;
    }
    return sum;
  }
}

describe('submissions', () => {
  it('are checked in the order of the protocol', () => {
    const world = new World();
    const target = world.openTarget();
    const bond = (amount: bigint) => {
      const coin = world.coins()[2]!;
      const paid = world.run({ kind: 'transferCoin', coin: refOf(coin), amount, recipient: alice }, alice, coin);
      return refOf(world.ledger.objects.get(deriveId(paid.digest, 0))!);
    };
    const far = scalarTensor(2.5);
    const big = { ...manifestOf('http://data.example/1', new Uint8Array(1)), size: 1_048_577n };
    const foreign = {
      modelId: `0x${'7'.repeat(64)}`,
      embedding: vectorTensor([1]),
      distanceScore: far,
      dataManifest: big,
    };
    expect(world.outcome(world.submission(target, foreign))).toBe('modelNotInTarget');
    const { modelId: _modelId, ...narrow } = foreign;
    expect(world.outcome(world.submission(target, narrow))).toBe('embeddingDimensionMismatch');
    expect(world.outcome(world.submission(target, { distanceScore: far, dataManifest: big }))).toBe(
      'distanceExceedsThreshold',
    );
    expect(world.outcome(world.submission(target, { dataManifest: big }))).toBe('dataExceedsMaxSize');
    const huge = { ...big, size: 2n ** 63n };
    expect(world.outcome(world.submission(target, { dataManifest: huge }))).toBe('dataExceedsMaxSize');
    expect(world.outcome(world.submission(target, { bondCoin: bond(66_559n) }))).toBe('insufficientBond');
    const exact = world.run(world.submission(target, { bondCoin: bond(66_560n), distanceScore: scalarTensor(2) }));
    expect(exact.effects.status.kind).toBe('success');
    // The bond coin was used up: gas, target, system state and the replacement are written.
    expect(exact.effects.fee.operationFee).toBe(1_200n);
    expect(world.outcome(world.submission(target))).toBe('targetNotOpen');
    world.nextEpoch();
    const [expired] = world.targets().find(([, each]) => each.status.kind === 'open' && each.generationEpoch === 0n)!;
    expect(world.outcome(world.submission(expired))).toBe('targetExpired');
  });

  it('spawn a replacement whose id and embedding follow from the digest', () => {
    const world = new World();
    const { digest } = world.run(world.submission(world.openTarget()));
    const made = world.ledger.objects.get(deriveId(digest, 2))!;
    if (made.payload.type !== 'Target') throw new Error('no target');
    expect(made.payload.target.embedding.values).toEqual(normalArray(makeTargetSeed(digest, 1), 16));
    expect(made.payload.target.generationEpoch).toBe(0n);
  });

  it('find a model that was deactivated meanwhile not active, after the bond was tried', () => {
    const world = new World();
    const target = world.openTarget();
    expect(world.outcome({ kind: 'deactivateModel', modelId: world.modelId() }, bob)).toBe('success');
    expect(world.outcome(world.submission(target))).toBe('modelNotActive');
  });
});

describe('claims', () => {
  it('wait for the audit window, split the reward and delete the target', () => {
    const world = new World();
    const id = world.openTarget();
    const { rewardPool } = new Map(world.targets()).get(id)!;
    expect(world.outcome(world.submission(id))).toBe('success');
    expect(world.outcome({ kind: 'claimRewards', targetId: world.openTarget() })).toBe('targetNotFilled');
    world.nextEpoch();
    expect(world.outcome({ kind: 'claimRewards', targetId: id })).toBe('auditWindowOpen');
    expect(world.outcome({ kind: 'reportSubmission', targetId: id })).toBe('notAValidator');
    expect(world.outcome({ kind: 'undoReportSubmission', targetId: id }, world.validator)).toBe('reportRecordNotFound');
    world.nextEpoch();
    expect(world.outcome({ kind: 'reportSubmission', targetId: id }, world.validator)).toBe('auditWindowClosed');
    const owner = world.balance(bob);
    const before = world.balance();
    const claimed = world.run({ kind: 'claimRewards', targetId: id });
    // Gas, system state and four coins.
    expect(claimed.effects.fee.operationFee).toBe(1_800n);
    expect(world.balance(bob) - owner).toBe((rewardPool * 4975n) / 10_000n);
    const mine = rewardPool - (rewardPool * 4975n) / 10_000n + 66_560n - claimed.effects.fee.totalFee;
    expect(world.balance() - before).toBe(mine);
    expect(world.ledger.objects.get(id)).toBeUndefined();
    const late = world.run({ kind: 'claimRewards', targetId: id });
    expect(late.effects.status).toMatchObject({ kind: 'failure', error: { kind: 'inputObjectDeleted' } });
    expect(late.effects.unchangedSharedObjects).toMatchObject([{ objectId: id, kind: 'mutateDeleted' }]);
  });

  it('of expired targets give half a percent and return the rest', () => {
    const world = new World();
    const id = world.openTarget();
    world.nextEpoch();
    const { rewardPool } = new Map(world.targets()).get(id)!;
    const pool = world.ledger.state.emissionPool.balance;
    const claimed = world.run({ kind: 'claimRewards', targetId: id });
    const incentive = (rewardPool * 50n) / 10_000n;
    expect(world.ledger.state.emissionPool.balance - pool).toBe(rewardPool - incentive);
    expect(claimed.effects.fee.operationFee).toBe(900n);
    expect(claimed.balanceChanges.get(alice)).toBe(incentive - claimed.effects.fee.totalFee);
  });
});

describe('fees and gas', () => {
  it('smash gas coins into the first, also when execution fails', () => {
    const world = new World();
    const [first, second, third] = world.coins();
    const data: TransactionData = {
      kind: { kind: 'claimRewards', targetId: world.openTarget() },
      sender: alice,
      gasPayment: [refOf(first!), refOf(second!), refOf(third!)],
    };
    const { effects } = world.ledger.execute(data, transactionDigest(data), []);
    expect(effects.fee).toEqual({ baseFee: 1_000n, operationFee: 0n, valueFee: 0n, totalFee: 1_000n });
    const merged = world.ledger.objects.get(first!.objectId)!;
    expect(merged.payload).toEqual({ type: 'Coin', balance: 300n * SOMA - 1_000n });
    expect(world.ledger.objects.get(second!.objectId)).toBeUndefined();
  });

  it('take everything from a coin below the base fee, and delete it', () => {
    const world = new World();
    const coin = world.coins()[0]!;
    const paid = world.run({ kind: 'transferCoin', coin: refOf(coin), amount: 400n, recipient: alice }, alice, coin);
    const poor = world.ledger.objects.get(deriveId(paid.digest, 0))!;
    const failed = world.run({ kind: 'claimRewards', targetId: world.openTarget() }, alice, poor);
    expect(failed.effects.fee.totalFee).toBe(400n);
    expect(failed.effects.status).toMatchObject({ error: { kind: 'insufficientGas' } });
    expect(world.ledger.objects.get(poor.objectId)).toBeUndefined();
  });

  it('move every input to a new version on failure from protocol version 2 on, and only gas before', () => {
    for (const [protocolVersion, moved] of [
      [1n, false],
      [2n, true],
      [5n, true],
    ] as const) {
      const world = new World(protocolVersion);
      const target = world.openTarget();
      const bond = world.coins()[1]!;
      const { effects } = world.run(world.submission(target, { distanceScore: scalarTensor(2.5) }));
      expect(effects.status.kind).toBe('failure');
      expect(world.ledger.objects.get(bond.objectId)!.version > bond.version).toBe(moved);
      expect(world.ledger.objects.get(target)!.version === effects.lamportVersion).toBe(moved);
    }
  });

  it('send a whole gas coin away, keeping exactly the fees', () => {
    const world = new World();
    const coin = world.coins()[0]!;
    const sent = world.run({ kind: 'transferCoin', coin: refOf(coin), recipient: bob }, alice, coin);
    expect(sent.effects.status.kind).toBe('success');
    expect(world.ledger.objects.get(coin.objectId)).toBeUndefined();
    expect(sent.balanceChanges.get(alice)).toBe(-100n * SOMA);
    expect(sent.balanceChanges.get(bob)).toBe(100n * SOMA - sent.effects.fee.totalFee);
  });
});

describe('models', () => {
  const key = new Uint8Array(32).fill(9);
  const manifest = manifestOf('http://models.example/2', Uint8Array.of(2));
  const commit = (modelId: string): TransactionKind => ({
    kind: 'commitModel',
    modelId,
    manifest,
    weightsCommitment: manifest.checksum,
    embeddingCommitment: embeddingCommitment(embedding),
    decryptionKeyCommitment: decryptionKeyCommitment(key),
  });
  const reveal = (
    modelId: string,
    over: Partial<Extract<TransactionKind, { kind: 'revealModel' }>> = {},
  ): TransactionKind => ({
    kind: 'revealModel',
    modelId,
    decryptionKey: key,
    embedding: vectorTensor(embedding),
    ...over,
  });
  const create: TransactionKind = {
    kind: 'createModel',
    stakeAmount: SOMA,
    commissionRate: 5n,
    architectureVersion: 1n,
  };

  it('go from created to active in exactly one epoch after the commit', () => {
    const world = new World();
    expect(world.outcome({ ...create, architectureVersion: 2n } as TransactionKind)).toBe(
      'modelArchitectureVersionMismatch',
    );
    expect(world.outcome({ ...create, stakeAmount: 1n } as TransactionKind)).toBe('modelMinStakeNotMet');
    expect(world.outcome({ ...create, commissionRate: 10_001n } as TransactionKind)).toBe('modelCommissionRateTooHigh');
    const id = deriveId(world.run(create).digest, 0);
    expect(world.outcome(reveal(id))).toBe('modelInvalidState');
    expect(world.outcome(commit(id), bob)).toBe('notModelOwner');
    expect(world.outcome(commit(id))).toBe('success');
    expect(world.outcome(commit(id))).toBe('modelInvalidState');
    expect(world.outcome(reveal(id))).toBe('modelRevealEpochMismatch');
    world.nextEpoch();
    expect(world.outcome(reveal(id, { decryptionKey: new Uint8Array(32) }))).toBe(
      'modelDecryptionKeyCommitmentMismatch',
    );
    expect(world.outcome(reveal(id, { embedding: vectorTensor([1]) }))).toBe('modelEmbeddingCommitmentMismatch');
    expect(world.outcome(reveal(id))).toBe('success');
    expect(world.ledger.state.modelRegistry.models.get(id)?.state).toBe('active');
    expect(world.outcome(reveal(id))).toBe('modelNoPendingUpdate');
    expect(world.outcome(commit(id))).toBe('success');
    world.nextEpoch();
    expect(world.outcome(reveal(id))).toBe('success');
  });

  it('lose half their stake when they do not commit or reveal in time', () => {
    const world = new World();
    const idle = deriveId(world.run(create).digest, 0);
    const silent = deriveId(world.run({ ...create, stakeAmount: 2n * SOMA } as TransactionKind).digest, 0);
    expect(world.outcome(commit(silent))).toBe('success');
    world.nextEpoch();
    const stake = (id: string) => world.ledger.state.modelRegistry.models.get(id)!.stakingPool.somaBalance;
    expect([stake(idle), stake(silent)]).toEqual([SOMA, 2n * SOMA]);
    world.nextEpoch();
    expect([stake(idle), stake(silent)]).toEqual([SOMA / 2n, SOMA]);
    expect(world.ledger.state.modelRegistry.models.get(idle)?.state).toBe('created');
    expect(world.ledger.state.modelRegistry.models.get(silent)?.state).toBe('inactive');
    world.nextEpoch();
    expect([stake(idle), stake(silent)]).toEqual([SOMA / 4n, SOMA]);
  });

  it('are slashed and closed when a quorum reports them', () => {
    const world = new World();
    const id = world.modelId();
    expect(world.outcome({ kind: 'reportModel', modelId: id })).toBe('notAValidator');
    expect(world.outcome({ kind: 'reportModel', modelId: id }, world.validator)).toBe('success');
    world.nextEpoch();
    const model = world.ledger.state.modelRegistry.models.get(id)!;
    expect([model.state, model.stakingPool.somaBalance]).toEqual(['inactive', SOMA / 20n]);
    expect(world.targets().filter(([, each]) => each.generationEpoch === 1n)).toHaveLength(0);
  });
});

describe('stakes', () => {
  it('come back in full before activation, and with rewards after', () => {
    const world = new World(5n, { epochDurationMs: 1_000n });
    const stake = (amount: bigint) => {
      const coin = world.coins()[1]!;
      const done = world.run({ kind: 'addStake', address: world.validator, coinRef: refOf(coin), amount });
      expect(done.effects.status.kind).toBe('success');
      return deriveId(done.digest, 0);
    };
    const withdraw = (id: string) => {
      const object = world.ledger.objects.get(id)!;
      const done = world.run({ kind: 'withdrawStake', stakedSoma: refOf(object) });
      const coin = world.ledger.objects.get(deriveId(done.digest, 0))!;
      return coin.payload.type === 'Coin' ? coin.payload.balance : 0n;
    };
    expect(withdraw(stake(10n * SOMA))).toBe(10n * SOMA);
    const long = stake(10n * SOMA);
    world.nextEpoch(2_000n);
    world.nextEpoch(2_000n);
    expect(withdraw(long)).toBeGreaterThan(10n * SOMA);
    expect(world.outcome({ kind: 'addStake', address: bob, coinRef: refOf(world.coins()[1]!), amount: 1n })).toBe(
      'validatorNotFound',
    );
  });
});

describe('economics', () => {
  it('lose and create no shannon across submissions, claims and epochs', () => {
    const world = new World(5n, { epochDurationMs: 1_000n });
    expect(world.supply()).toBe(TOTAL_SUPPLY_SHANNONS);
    const filled: string[] = [];
    for (let epoch = 0; epoch < 6; epoch++) {
      for (let count = 0; count < 3; count++) {
        const id = world.openTarget();
        expect(world.outcome(world.submission(id))).toBe('success');
        filled.push(id);
      }
      world.nextEpoch(epoch % 2 === 0 ? 2_000n : 1n);
      if (epoch >= 1) expect(world.outcome({ kind: 'claimRewards', targetId: filled.shift()! })).toBe('success');
      expect(world.supply()).toBe(TOTAL_SUPPLY_SHANNONS);
    }
  });

  it('pay per target by the denominator of the protocol version', () => {
    const reward = (version: bigint) => {
      const world = new World(version, { targetInitialTargetsPerEpoch: 20n });
      world.nextEpoch();
      return world.ledger.state.targetState.rewardPerTarget;
    };
    expect(reward(2n)).toBe((1_370n * SOMA * 8n) / 10n / 20n);
    expect(reward(5n)).toBe(12_685_185n);
  });

  it('move the difficulty as each protocol version does', () => {
    const threshold = (version: bigint, hits: bigint, from: number) => {
      const { state } = new World(version).ledger;
      const parameters = { ...systemParameters(version), targetHitsPerEpoch: 10n };
      const targetState = { ...state.targetState, distanceThreshold: from, hitsThisEpoch: hits, hitsEma: 0n };
      return adjustDifficulty({ ...state, parameters, targetState }).distanceThreshold;
    };
    expect(threshold(1n, 20n, 1)).toBeCloseTo(0.9, 6);
    expect(threshold(1n, 5n, 1)).toBeCloseTo(1.1, 6);
    expect(threshold(1n, 0n, 1)).toBe(1);
    // z = 1 at 0.978; version 3 steps at least 0.1, version 4 by z itself, version 5 at least 2.
    expect(threshold(3n, 20n, 0.978)).toBeCloseTo(0.978 - 0.0022, 5);
    expect(threshold(4n, 20n, 0.978)).toBeCloseTo(0.956, 5);
    expect(threshold(5n, 20n, 0.978)).toBeCloseTo(0.95, 5);
    expect(threshold(5n, 5n, 0.978)).toBeCloseTo(1.022, 5);
    expect(threshold(5n, 10n, 0.978)).toBeCloseTo(0.978, 6);
  });

  it('reset the threshold when an upgrade crosses versions 3 and 5', () => {
    const world = new World(4n, {});
    expect(scalarValue(new Map(world.targets()).get(world.openTarget())!.distanceThreshold)).toBe(2);
    world.nextEpoch(1n, 5n);
    expect(world.ledger.state.protocolVersion).toBe(5n);
    expect(world.ledger.state.targetState.distanceThreshold).toBe(Math.fround(1.05));
    // Upgrades drop what a genesis set differently.
    expect(world.ledger.state.parameters.targetEmbeddingDim).toBe(2048n);
  });
});

describe('validators', () => {
  it('join with real keys only, and leave again', () => {
    const world = new World();
    const [, joiner] = genesisValidators(1, 2);
    const { metadata } = joiner!;
    const text = (address: string) => encodeBcs(string, address);
    const add: TransactionKind = {
      kind: 'addValidator',
      pubkeyBytes: metadata.protocolPubkey,
      networkPubkeyBytes: metadata.networkPubkey,
      workerPubkeyBytes: metadata.workerPubkey,
      proofOfPossession: metadata.proofOfPossession,
      netAddress: text(metadata.netAddress),
      p2pAddress: text(metadata.p2pAddress),
      primaryAddress: text(metadata.primaryAddress),
      proxyAddress: new Uint8Array(0),
    };
    expect(world.outcome({ ...add, proofOfPossession: new Uint8Array(0) })).toBe('missingProofOfPossession');
    expect(world.outcome({ ...add, proofOfPossession: new Uint8Array(48) })).toBe('invalidProofOfPossession');
    expect(world.outcome({ ...add, pubkeyBytes: new Uint8Array(96).fill(1) })).toBe('invalidArguments');
    expect(world.outcome(add)).toBe('success');
    expect(world.outcome(add)).toBe('duplicateValidator');
    expect(world.outcome(add, bob)).toBe('duplicateValidatorMetadata');
    const coin = world.coins()[1]!;
    const amount = 90n * SOMA;
    expect(world.outcome({ kind: 'addStake', address: alice, coinRef: refOf(coin), amount })).toBe('success');
    world.nextEpoch();
    const powers = () => world.ledger.state.validators.validators.map((each) => each.votingPower);
    expect(powers()).toEqual([5_000n, 5_000n]);
    expect(world.outcome({ kind: 'reportValidator', reportee: alice })).toBe('cannotReportOneself');
    expect(world.outcome({ kind: 'reportValidator', reportee: world.validator })).toBe('success');
    expect(world.outcome({ kind: 'undoReportValidator', reportee: world.validator })).toBe('success');
    expect(world.outcome({ kind: 'removeValidator', pubkeyBytes: metadata.protocolPubkey })).toBe('success');
    expect(world.outcome({ kind: 'removeValidator', pubkeyBytes: metadata.protocolPubkey })).toBe(
      'validatorAlreadyRemoved',
    );
    world.nextEpoch();
    expect(powers()).toEqual([10_000n]);
    expect(world.ledger.state.validators.inactiveValidators.size).toBe(1);
    expect(world.outcome({ kind: 'setCommissionRate', newRate: 5n })).toBe('notAValidator');
  });
});
