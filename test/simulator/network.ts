import { type Genesis, makeGenesis } from '../../src/devnet/soma/ledger/genesis.js';
import { coinBalance } from '../../src/devnet/soma/ledger/ledger-object.js';
import { genesisValidators } from '../../src/devnet/soma/network-keys.js';
import { DevnetNode } from '../../src/devnet/soma/node.js';
import { resolveDevnetOptions } from '../../src/devnet/soma/options.js';
import { executionService } from '../../src/devnet/soma/rpc/execution-service.js';
import { ledgerService } from '../../src/devnet/soma/rpc/ledger-service.js';
import { stateService } from '../../src/devnet/soma/rpc/state-service.js';
import { subscriptionService } from '../../src/devnet/soma/rpc/subscription-service.js';
import { LedgerService } from '../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../src/gen/soma/rpc/state_service_pb.js';
import { SubscriptionService } from '../../src/gen/soma/rpc/subscription_service_pb.js';
import { TransactionExecutionService } from '../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { normalArray } from '../../src/random/arrgen.js';
import { blake2b256, Keypair, manifestOf } from '../../src/soma/chain/index.js';
import { TransactionFates } from './transaction-fates.js';
import type { VirtualClock } from './virtual-clock.js';

/** Validators' proofs take longest of all a chain's beginning, and nothing here depends on them. */
const VALIDATORS = genesisValidators(1, 1);
const DIM = 16;

export interface SimulatedNetworkOptions {
  readonly seed: number;
  readonly epochMs: number;
  readonly accounts: readonly { readonly address: string; readonly coins: readonly bigint[] }[];
  /** In [0, 1). */
  readonly random: () => number;
  /** Share of transactions that are cancelled for congestion. */
  readonly congestion: number;
}

/** Answers calls by service and method. */
export type Handlers = Readonly<Record<string, unknown>>;

/** The devnet's fullnode on a clock of its own, without sockets. */
export class SimulatedNetwork {
  readonly node: DevnetNode;
  /** By service's full name. */
  readonly services: Readonly<Record<string, Handlers>>;
  readonly fates = new TransactionFates();
  /** Whether transactions may still be cancelled, and streams end. */
  honest = false;
  readonly #clock: VirtualClock;
  readonly #epochMs: number;
  #stopped = false;

  constructor(options: SimulatedNetworkOptions, clock: VirtualClock) {
    this.#clock = clock;
    this.#epochMs = options.epochMs;
    const genesis = genesisOf(options, clock);
    const node = new DevnetNode(
      {
        genesis,
        genesisTimestampMs: BigInt(clock.now()),
        signSummary: (summary) => ({ epoch: summary.epoch, signature: new Uint8Array(48), bitmap: [0] }),
        serverVersion: '0.1.21',
        retainCheckpoints: 2_000,
        retainTransactions: 20_000,
        finalityDelayMs: 120,
        abortedRejectionDelayMs: 400,
        readLagMs: 250,
        parameterOverrides: {},
      },
      { now: clock.now, sleep: clock.sleep },
    );
    this.node = node;
    const isCongested = (): boolean => !this.honest && options.random() < options.congestion;
    this.services = {
      [LedgerService.typeName]: ledgerService(node),
      [StateService.typeName]: stateService(node),
      [TransactionExecutionService.typeName]: executionService(node, isCongested),
      [SubscriptionService.typeName]: subscriptionService(node, () => undefined),
    };
  }

  /** An owner's coins as the ledger has them, shannons. */
  readonly balanceOf = (owner: string): bigint =>
    [...this.node.ledger.objects.ownedBy(owner)].reduce((sum, object) => sum + coinBalance(object), 0n);

  /** Seals checkpoints and ends epochs from now on. */
  start(): void {
    const seal = async (): Promise<void> => {
      for (let idle = 0; !this.#stopped; ) {
        await this.#clock.sleep(250);
        idle = this.node.checkpointDue ? 4 : idle + 1;
        if (idle >= 4) {
          this.node.sealCheckpoint();
          idle = 0;
        }
      }
    };
    const turn = async (): Promise<void> => {
      while (!this.#stopped) {
        await this.#clock.sleep(this.#epochMs);
        this.node.changeEpoch();
      }
    };
    void seal();
    void turn();
  }

  stop(): void {
    this.#stopped = true;
  }
}

function genesisOf({ seed, accounts }: SimulatedNetworkOptions, clock: VirtualClock): Genesis {
  const { parameters, emissionPerEpoch, protocolVersion } = resolveDevnetOptions({
    seed,
    embeddingDim: DIM,
    initialDistanceThreshold: 2,
    targetsPerEpoch: 12,
    // The total number of targets of an epoch is limited.
    hitsPerEpoch: 24,
    emissionPerEpoch: 24_000_000_000n,
  });
  const owner = Keypair.fromSecret(new Uint8Array(32).fill(99));
  const weights = new Uint8Array(64).fill(1);
  return makeGenesis({
    seed: BigInt(seed),
    timestampMs: BigInt(clock.now()),
    protocolVersion,
    parameters,
    emissionPerEpoch,
    accounts: [...accounts],
    validators: VALIDATORS.map(({ metadata }) => ({ metadata, stake: 20_000_000_000_000n })),
    models: [1, 2, 3].map((n) => ({
      owner: owner.address,
      manifest: manifestOf(`https://models.example/${n}`, weights),
      decryptionKey: blake2b256(Uint8Array.of(n)),
      embedding: normalArray(BigInt(n), DIM),
      commissionRate: 0n,
      initialStake: 1_000_000_000n,
    })),
  });
}
